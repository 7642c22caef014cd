import { LIMITS } from '@peerless/interface'
import type { TraceMap } from './trace-map.ts'

/** Where lines go: requestId, level, lines dropped before this one, UTF-8 text. */
export type LogSink = (instance: number, requestId: string, level: number, dropped: number, text: Uint8Array) => void

const WARN = 2
const INFO = 1
const LEVEL_MAX = 3

/** What one invocation may write: lines and bytes are counted here, whatever the guest's side says. */
export class LogAllowance {
  readonly #instance: number
  readonly #sink: LogSink
  readonly #trace: Pick<TraceMap, 'apply'>
  #requestId = ''
  #linesLeft: number = LIMITS.logLinesMax
  #bytesLeft: number = LIMITS.logBytesMax
  #dropped = 0

  /** @param trace of the bundle: a stack that a function writes names its author's files and lines, as its errors do */
  constructor(instance: number, sink: LogSink, trace: Pick<TraceMap, 'apply'>) {
    this.#instance = instance
    this.#sink = sink
    this.#trace = trace
  }

  open(requestId: string): void {
    this.#requestId = requestId
    this.#linesLeft = LIMITS.logLinesMax
    this.#bytesLeft = LIMITS.logBytesMax
    this.#dropped = 0
  }

  line(level: unknown, text: unknown): void {
    if (typeof text !== 'string') return
    if (this.#linesLeft <= 0 || this.#bytesLeft <= 0) {
      this.#dropped++
      return
    }
    const most = text.length > LIMITS.logLineBytesMax ? text.slice(0, LIMITS.logLineBytesMax) : text
    const whole = Buffer.from(this.#trace.apply(most))
    const bytes = whole.subarray(0, Math.min(LIMITS.logLineBytesMax, this.#bytesLeft))
    this.#linesLeft--
    this.#bytesLeft -= bytes.length
    this.#sink(this.#instance, this.#requestId, levelOf(level), 0, bytes)
  }

  /** The last line of an invocation that wrote too much. */
  dropped(alleged: unknown): void {
    const counted = Number.isSafeInteger(alleged) && (alleged as number) > 0 ? (alleged as number) : 0
    const count = Math.min(Number.MAX_SAFE_INTEGER, counted + this.#dropped)
    this.#dropped = 0
    const text = Buffer.from(
      `${count} more lines were dropped: at most ${LIMITS.logLinesMax} lines and ${LIMITS.logBytesMax} bytes are kept`
    )
    this.#sink(this.#instance, this.#requestId, WARN, count, text)
  }
}

/** The daemon ends an executor that sends anything but a count. */
function levelOf(alleged: unknown): number {
  return Number.isSafeInteger(alleged) ? Math.min(LEVEL_MAX, Math.max(0, alleged as number)) : INFO
}
