import { bare } from './intrinsics.guest.ts'

/** WebAssembly core specification, "Binary Format": pages of memories, and numbers of the sections that matter here. */
export const PAGE_BYTES = 65_536
const SECTION_CUSTOM = 0
const SECTION_MEMORY = 5
const HEADER_BYTES = 8
const LIMITS_MAXIMUM = 1
const LIMITS_SHARED = 2
const LIMITS_64 = 4
/** Bytes of a LEB128 number: 64 bits at 7 a byte. */
const LEB_BYTES_MAX = 10

/** A module whose memories cannot grow beyond a bound, whatever its instructions ask for. */
export interface LimitedModule {
  bytes: Uint8Array
  /** Maximum pages of each memory that the module defines itself, in order. */
  pagesMax: number[]
}

/** The module asks for what an isolate must not have: a text that names it. undefined: its memory section cannot be read. */
export type Refusal = { refused: string } | undefined

/**
 * Writes a maximum into every memory that a module defines. `memory.grow` is an instruction, out of reach of any wrapper in JavaScript, but
 * no engine lets it pass the maximum of the memory section.
 *
 * @param pagesOf the maximum for a memory that declares these
 */
export function limitMemories(
  bytes: Uint8Array,
  pagesOf: (initial: number, maximum: number | undefined) => number
): LimitedModule | Refusal {
  const reader = { bytes, at: HEADER_BYTES, end: bytes.length }
  while (reader.at < reader.end) {
    const start = reader.at
    const id = bytes[reader.at++] as number
    const size = leb(reader)
    if (size === undefined || reader.at + size > bytes.length) return undefined
    if (id === SECTION_MEMORY) {
      const section = limitSection({ bytes, at: reader.at, end: reader.at + size }, pagesOf)
      if (section === undefined || 'refused' in section) return section
      return { bytes: splice(bytes, start, reader.at + size, section.content), pagesMax: section.pagesMax }
    }
    // Sections come in ascending order, except the tag section (13) and custom ones; what comes after the memories needs no look.
    if (id > SECTION_MEMORY && id !== SECTION_CUSTOM && id !== 13) break
    reader.at += size
  }
  return { bytes, pagesMax: [] }
}

interface Reader {
  bytes: Uint8Array
  at: number
  end: number
}

function limitSection(
  reader: Reader,
  pagesOf: (initial: number, maximum: number | undefined) => number
): { content: number[]; pagesMax: number[] } | Refusal {
  const count = leb(reader)
  if (count === undefined) return undefined
  const content: number[] = bare([])
  const pagesMax: number[] = bare([])
  writeLeb(content, count)
  for (let index = 0; index < count; index++) {
    const flags = reader.at < reader.end ? (reader.bytes[reader.at++] as number) : -1
    if ((flags & ~(LIMITS_MAXIMUM | LIMITS_SHARED | LIMITS_64)) !== 0) return { refused: `a memory has limits of kind ${flags}` }
    if ((flags & LIMITS_SHARED) !== 0) return { refused: 'shared memories are not available' }
    const initial = leb(reader)
    const maximum = (flags & LIMITS_MAXIMUM) === 0 ? undefined : leb(reader)
    if (initial === undefined || ((flags & LIMITS_MAXIMUM) !== 0 && maximum === undefined)) return undefined
    const pages = pagesOf(initial, maximum)
    content[content.length] = flags | LIMITS_MAXIMUM
    writeLeb(content, initial)
    writeLeb(content, pages)
    pagesMax[pagesMax.length] = pages
  }
  return reader.at === reader.end ? { content, pagesMax } : undefined
}

/** undefined where the number does not end. Exact up to 2^53, far beyond any limit. */
function leb(reader: Reader): number | undefined {
  let value = 0
  let factor = 1
  for (let count = 0; count < LEB_BYTES_MAX && reader.at < reader.end; count++) {
    const byte = reader.bytes[reader.at++] as number
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
    factor *= 128
  }
  return undefined
}

function writeLeb(into: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    into[into.length] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[into.length] = rest
}

function splice(bytes: Uint8Array, start: number, end: number, content: number[]): Uint8Array {
  const head: number[] = bare([SECTION_MEMORY])
  writeLeb(head, content.length)
  const made = new Uint8Array(start + head.length + content.length + bytes.length - end)
  let at = 0
  const put = (byte: number): void => {
    made[at++] = byte
  }
  for (let index = 0; index < start; index++) put(bytes[index] as number)
  for (let index = 0; index < head.length; index++) put(head[index] as number)
  for (let index = 0; index < content.length; index++) put(content[index] as number)
  for (let index = end; index < bytes.length; index++) put(bytes[index] as number)
  return made
}
