import type { LogLine } from '@peerless/interface'
import {
  LOG_BYTES_MAX,
  LOG_FUNCTIONS_MAX,
  LOG_LINES_PER_FUNCTION_MAX,
  LOG_LINES_PER_NODE_MAX,
  LOG_PAGE_BYTES_MAX,
  LOG_PAGE_LINES_MAX
} from './constants.ts'

/** No node writes so many, so what a start counts from is above all that it counted before. */
const LINES_PER_MS_MAX = 1_000

interface Kept {
  readonly sequence: number
  readonly line: LogLine
}

export interface LogPage {
  readonly lines: LogLine[]
  /** Give it to the next read to go on from here. */
  readonly cursor: number
  readonly more: boolean
}

/** The lines of this node's instances, newest kept, in memory. Bounded per function and in all; the oldest function's go first. */
export class LogStore {
  readonly #byFunction = new Map<string, Kept[]>()
  #sequence: number
  #bytes = 0

  /** @param startedAt epoch milliseconds: the numbers of lines go on from before, or who follows would wait for as many as there were until this start */
  constructor(startedAt: number) {
    this.#sequence = startedAt * LINES_PER_MS_MAX
  }

  append(line: LogLine): void {
    let kept = this.#byFunction.get(line.function)
    if (kept === undefined) {
      kept = []
      if (this.#byFunction.size >= LOG_FUNCTIONS_MAX) this.#forgetOldest()
    } else {
      // Insertion order is order of last use.
      this.#byFunction.delete(line.function)
    }
    this.#byFunction.set(line.function, kept)
    kept.push({ sequence: ++this.#sequence, line })
    this.#bytes += sizeOf(line)
    if (kept.length > LOG_LINES_PER_NODE_MAX) this.#drop(kept, kept.length - LOG_LINES_PER_FUNCTION_MAX)
    while (this.#bytes > LOG_BYTES_MAX) this.#forgetOldest()
  }

  /** @param after cursor of the last page; 0 to begin */
  read(functionName: string, sinceMs: number, after: number): LogPage {
    const lines: LogLine[] = []
    let bytes = 0
    let cursor = after
    for (const { sequence, line } of this.#byFunction.get(functionName) ?? []) {
      if (sequence <= after || line.time < sinceMs) continue
      if (lines.length >= LOG_PAGE_LINES_MAX || bytes >= LOG_PAGE_BYTES_MAX) return { lines, cursor, more: true }
      lines.push(line)
      bytes += sizeOf(line)
      cursor = sequence
    }
    return { lines, cursor, more: false }
  }

  #forgetOldest(): void {
    const [oldest] = this.#byFunction.keys()
    if (oldest === undefined) return
    const kept = this.#byFunction.get(oldest) as Kept[]
    if (this.#byFunction.size === 1) this.#drop(kept, Math.ceil(kept.length / 2))
    else {
      this.#drop(kept, kept.length)
      this.#byFunction.delete(oldest)
    }
  }

  #drop(kept: Kept[], count: number): void {
    for (const { line } of kept.splice(0, count)) this.#bytes -= sizeOf(line)
  }
}

/** About what a line costs in memory. */
function sizeOf(line: LogLine): number {
  return line.message.length * 2 + 200
}
