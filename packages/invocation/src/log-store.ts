import type { LogLine } from '@peerless/interface'
import {
  LOG_BYTES_MAX,
  LOG_FUNCTIONS_MAX,
  LOG_LINES_PER_FUNCTION_MAX,
  LOG_LINES_PER_NODE_MAX,
  LOG_PAGE_BYTES_MAX,
  LOG_PAGE_LINES_MAX
} from './constants.ts'
import type { KeptLine, LogDisk } from './log-disk.ts'

/** Where lines are kept beyond this start. */
export type LogArchive = Pick<LogDisk, 'last' | 'append' | 'read' | 'placeOfNewest'>

/** No node writes so many, so what a start counts from is above all that it counted before. */
const LINES_PER_MS_MAX = 1_000

/** Lines that are asked of the archive at once. */
const ARCHIVE_LINES_MAX = 64

/** The lines of one account's functions. */
interface Shelf {
  readonly byFunction: Map<string, KeptLine[]>
  bytes: number
}

export interface LogPage {
  readonly lines: LogLine[]
  /** Give it to the next read to go on from here. */
  readonly cursor: number
  readonly more: boolean
}

/**
 * The lines of this node's instances, newest kept: those of this start in memory, those of earlier ones where the archive has them. Bounded per function and in all. Where there is no more room, the account that has most gives up
 * what its oldest function has: who writes much loses its own lines, not those of others.
 */
export class LogStore {
  readonly #shelves = new Map<string, Shelf>()
  readonly #archive: LogArchive | undefined
  /** Lines of this start have numbers above this. */
  readonly #start: number
  #sequence: number
  #functions = 0
  #bytes = 0

  /** @param startedAt epoch milliseconds: the numbers of lines go on from before, or who follows would wait for as many as there were until this start */
  constructor(startedAt: number, archive?: LogArchive) {
    this.#archive = archive
    // The clock may have been set back.
    this.#start = Math.max(startedAt * LINES_PER_MS_MAX, archive?.last ?? 0)
    this.#sequence = this.#start
  }

  /** @param account whose function wrote it: a name may be another's after that */
  append(account: string, line: LogLine): void {
    let kept = this.#shelves.get(account)?.byFunction.get(line.function)
    if (kept === undefined) {
      kept = []
      if (this.#functions >= LOG_FUNCTIONS_MAX) this.#forgetOldest(({ byFunction }) => byFunction.size)
      this.#functions++
    }
    const shelf = this.#shelf(account)
    // Insertion order is order of last use.
    shelf.byFunction.delete(line.function)
    shelf.byFunction.set(line.function, kept)
    kept.push({ sequence: ++this.#sequence, line })
    this.#archive?.append(this.#sequence, account, line)
    const bytes = sizeOf(line)
    shelf.bytes += bytes
    this.#bytes += bytes
    if (kept.length > LOG_LINES_PER_NODE_MAX) this.#drop(shelf, kept, kept.length - LOG_LINES_PER_FUNCTION_MAX)
    while (this.#bytes > LOG_BYTES_MAX) this.#forgetOldest((one) => one.bytes)
  }

  /** @param after cursor of the last page; 0 to begin */
  read(account: string, functionName: string, sinceMs: number, after: number): LogPage {
    const lines: LogLine[] = []
    let bytes = 0
    let cursor = after
    for (const { sequence, line } of this.#kept(account, functionName, sinceMs, after)) {
      if (sequence <= after || line.time < sinceMs) continue
      if (lines.length >= LOG_PAGE_LINES_MAX || bytes >= LOG_PAGE_BYTES_MAX) return { lines, cursor, more: true }
      lines.push(line)
      bytes += sizeOf(line)
      cursor = sequence
    }
    return { lines, cursor, more: false }
  }

  /** In order: those of earlier starts, and then those of this one. */
  *#kept(account: string, functionName: string, sinceMs: number, after: number): Iterable<KeptLine> {
    const own = this.#shelves.get(account)?.byFunction.get(functionName) ?? []
    if (this.#archive !== undefined && after < this.#start) {
      const before = this.#start + 1
      // The newest, as many as are kept in memory where there was no restart.
      const room = Math.max(0, LOG_LINES_PER_FUNCTION_MAX - own.length)
      let from = Math.max(after, this.#archive.placeOfNewest(account, functionName, before, room))
      // In parts: a page is also bounded in bytes, and where lines are long most of so many would be read for nothing.
      for (let more = true; more; ) {
        const part = this.#archive.read(account, functionName, { sinceMs, after: from, before, limit: ARCHIVE_LINES_MAX })
        yield* part
        more = part.length === ARCHIVE_LINES_MAX
        from = part.at(-1)?.sequence ?? from
      }
    }
    yield* own
  }

  #shelf(account: string): Shelf {
    let shelf = this.#shelves.get(account)
    if (shelf === undefined) {
      shelf = { byFunction: new Map(), bytes: 0 }
      this.#shelves.set(account, shelf)
    }
    return shelf
  }

  /** @param sizeOfShelf of what the account that has most of it gives up some */
  #forgetOldest(sizeOfShelf: (shelf: Shelf) => number): void {
    let account = ''
    let largest: Shelf | undefined
    for (const [name, shelf] of this.#shelves) {
      if (largest !== undefined && sizeOfShelf(shelf) <= sizeOfShelf(largest)) continue
      account = name
      largest = shelf
    }
    const oldest = largest?.byFunction.entries().next().value
    if (largest === undefined || oldest === undefined) return
    const [functionName, kept] = oldest
    if (largest.byFunction.size === 1 && this.#functions < LOG_FUNCTIONS_MAX) {
      this.#drop(largest, kept, Math.ceil(kept.length / 2))
      return
    }
    this.#drop(largest, kept, kept.length)
    largest.byFunction.delete(functionName)
    this.#functions--
    if (largest.byFunction.size === 0) this.#shelves.delete(account)
  }

  #drop(shelf: Shelf, kept: KeptLine[], count: number): void {
    for (const { line } of kept.splice(0, count)) {
      const bytes = sizeOf(line)
      shelf.bytes -= bytes
      this.#bytes -= bytes
    }
  }
}

/** About what a line costs in memory. */
function sizeOf(line: LogLine): number {
  return line.message.length * 2 + 200
}
