import { LATEST } from '@peerless/interface'
import type { Members } from './lambda-members.ts'
import { invalid } from './lambda-validator.ts'

/** Digits of the largest number of a version (`VERSION_NUMBER`). */
const NUMBER_DIGITS = 9

/**
 * One page of items in their order, by Marker and MaxItems. A marker says where the last page ended, not how many came before: whoever deletes
 * what a page shows before asking for the next one misses nothing.
 * @param items in ascending order of their places
 * @param placeOf where an item stands among all that the list may ever have; texts are compared by their code units
 * @param itemsMax what the operation answers at most, whatever MaxItems says
 * @throws ApiError for a marker that this operation did not give out
 */
export function pageOf<Item>(
  input: Members,
  items: readonly Item[],
  placeOf: (item: Item) => string,
  itemsMax: number
): { items: Item[]; next: { NextMarker?: string } } {
  const size = Math.min(itemsMax, input.number('MaxItems') ?? itemsMax)
  const marker = input.text('Marker')
  const start = marker === undefined || marker === '' ? 0 : startOf(marker, items, placeOf)
  const page = items.slice(start, start + size)
  const last = page.at(-1)
  const more = last !== undefined && items.length > start + page.length
  return { items: page, next: more ? { NextMarker: markerOf(placeOf(last)) } : {} }
}

/** Place of a version or alias: `$LATEST`, the versions by their number, the aliases by their name. */
export function qualifierPlace(qualifier: string): string {
  if (qualifier === LATEST) return '0'
  return /^\d+$/.test(qualifier) ? `1${qualifier.padStart(NUMBER_DIGITS, '0')}` : `2${qualifier}`
}

/** Place of a number in a list that has the highest first. */
export function descendingPlace(number: number): string {
  return String(10 ** NUMBER_DIGITS - number).padStart(NUMBER_DIGITS, '0')
}

export function byQualifier<Item extends { qualifier: string }>(items: readonly Item[]): Item[] {
  const places = (item: Item) => qualifierPlace(item.qualifier)
  return items.toSorted((a, b) => (places(a) < places(b) ? -1 : 1))
}

function markerOf(place: string): string {
  return Buffer.from(`>${place}`).toString('base64url')
}

function startOf<Item>(marker: string, items: readonly Item[], placeOf: (item: Item) => string): number {
  const text = Buffer.from(marker, 'base64url').toString('utf8')
  if (!text.startsWith('>') || Buffer.from(text).toString('base64url') !== marker)
    throw invalid(`Marker '${marker.slice(0, 64)}' is none that this operation gave out`)
  const after = text.slice(1)
  const at = items.findIndex((item) => placeOf(item) > after)
  return at < 0 ? items.length : at
}
