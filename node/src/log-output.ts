import { fstatSync, write, writeSync } from 'node:fs'

/** Of lines that wait for a reader that is slow, or reads no more: some thousand lines. */
export const LOG_WAITING_CHARACTERS_MAX = 1_048_576
/** A terminal that takes no more for now. */
const AGAIN_MS = 100

/** Where the bytes go. One write at a time. */
export interface LogSink {
  /** `done` is told when all of it is written, or why not. */
  write(text: string, done: (error?: NodeJS.ErrnoException | null) => void): void
  /** For the end of the process: as much as can be written now. Never throws, never waits. */
  last(text: string): void
}

/**
 * The log's way out. A node serves on whatever becomes of its log: lines that a full disk refuses are lost, a reader that reads no more holds up neither the node nor its end, and
 * one that is gone is written to no more. Pino's own destination ends the process at the first, and waits for ever for both.
 */
export class LogOutput {
  readonly #sink: LogSink
  readonly #onLost: (lines: number) => void
  #waiting = ''
  #writing = false
  #closed = false
  #lost = 0

  /** @param onLost is told how many lines were lost, once there is room again */
  constructor(sink: LogSink, onLost: (lines: number) => void) {
    this.#sink = sink
    this.#onLost = onLost
  }

  write(line: string): void {
    if (this.#closed) return
    if (this.#waiting.length + line.length > LOG_WAITING_CHARACTERS_MAX) {
      this.#lost++
      return
    }
    this.#waiting += line
    if (!this.#writing) this.#next()
  }

  /** What waits, as far as it can be written without waiting. */
  end(): void {
    const text = this.#waiting
    this.#waiting = ''
    if (text !== '') this.#sink.last(text)
  }

  #next(): void {
    const text = this.#waiting
    this.#waiting = ''
    this.#writing = true
    this.#sink.write(text, (error) => {
      this.#writing = false
      if (error?.code === 'EPIPE' || error?.code === 'ERR_STREAM_DESTROYED') {
        this.#closed = true
        this.#waiting = ''
        return
      }
      if (error) this.#lost += text.split('\n').length - 1
      else if (this.#lost > 0) {
        const lines = this.#lost
        this.#lost = 0
        this.#onLost(lines)
      }
      if (this.#waiting !== '' && !this.#writing) this.#next()
    })
  }
}

/** This process's stderr. Node writes to pipes and sockets without waiting; to files and terminals a thread does, so that a slow disk holds up nothing. */
export function stderrSink(): LogSink {
  const kind = fstatSync(2)
  return kind.isFIFO() || kind.isSocket() ? streamSink(process.stderr) : fileSink(2)
}

function streamSink(stream: NodeJS.WriteStream): LogSink {
  // Each write is told its own.
  stream.on('error', () => undefined)
  return {
    write: (text, done) => void stream.write(text, done),
    last: (text) => void stream.write(text)
  }
}

function fileSink(fd: number): LogSink {
  const writeFrom = (bytes: Uint8Array, done: (error?: NodeJS.ErrnoException | null) => void) => {
    write(fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => writeFrom(bytes, done), AGAIN_MS).unref()
      else if (error !== null || written === bytes.length) done(error)
      else writeFrom(bytes.subarray(written), done)
    })
  }
  return {
    write: (text, done) => writeFrom(Buffer.from(text), done),
    last: (text) => {
      try {
        writeSync(fd, text)
      } catch {
        // Nobody can be told any more.
      }
    }
  }
}
