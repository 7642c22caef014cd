import type { Members } from './lambda-members.ts'
import { invalid } from './lambda-validator.ts'

/**
 * One page of items in their order, by Marker and MaxItems. A marker names the last item before it, so that a page goes on where the
 * last one ended whatever changed in between at its front.
 * @param itemsMax what the operation answers at most, whatever MaxItems says
 * @throws ApiError for a marker that this operation did not give out
 */
export function pageOf<Item>(
  input: Members,
  items: readonly Item[],
  nameOf: (item: Item) => string,
  itemsMax: number
): { items: Item[]; next: { NextMarker?: string } } {
  const size = Math.min(itemsMax, input.number('MaxItems') ?? itemsMax)
  const marker = input.text('Marker')
  const start = marker === undefined || marker === '' ? 0 : startOf(marker, items, nameOf)
  const page = items.slice(start, start + size)
  const last = page.at(-1)
  const more = last !== undefined && items.length > start + page.length
  return { items: page, next: more ? { NextMarker: markerOf(start + page.length, nameOf(last)) } : {} }
}

function markerOf(index: number, name: string): string {
  return Buffer.from(`${index}/${name}`).toString('base64url')
}

/** Behind the item of that name; where it is gone meanwhile, at the same number. */
function startOf<Item>(marker: string, items: readonly Item[], nameOf: (item: Item) => string): number {
  const text = Buffer.from(marker, 'base64url').toString('utf8')
  const [, index, name] = /^(\d{1,9})\/(.+)$/s.exec(text) ?? []
  if (index === undefined || name === undefined || Buffer.from(text).toString('base64url') !== marker)
    throw invalid(`Marker '${marker.slice(0, 64)}' is none that this operation gave out`)
  const at = items.findIndex((item) => nameOf(item) === name)
  return at < 0 ? Math.min(Number(index), items.length) : at + 1
}
