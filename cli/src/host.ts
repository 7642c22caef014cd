import { homedir } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'

/** Everything that a command takes from the machine, in one place, so that tests can hand in their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly cwd: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Whether a person sees `stdout`: decides redrawing. */
  readonly terminal: boolean
  /** Styles text for `stdout` or `stderr`, or leaves it, where there is no terminal or NO_COLOR is set. */
  style(format: Format, text: string, stream?: 'stdout' | 'stderr'): string
  /** Height of the terminal in lines, undefined where there is none. */
  rows(): number | undefined
  /** Epoch milliseconds. */
  now(): number
  /** Monotonic milliseconds. */
  monotonic(): number
  /** From the first call on, SIGINT and SIGTERM abort this signal instead of ending the process. */
  interrupted(): AbortSignal
}

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export function realHost(): Host {
  let interruption: AbortController | undefined
  return {
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: process.stdout.isTTY === true,
    // validateStream: no colours where the stream is no terminal or NO_COLOR, NODE_DISABLE_COLORS say so.
    style: (format, text, stream = 'stdout') => styleText(format, text, { stream: process[stream], validateStream: true }),
    // Asked of the system each time: the process may be outside the terminal's foreground group and miss its SIGWINCH.
    rows: () => (process.stdout.isTTY === true ? process.stdout.getWindowSize()[1] : undefined),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    interrupted: () => {
      if (interruption === undefined) {
        const controller = new AbortController()
        interruption = controller
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
      }
      return interruption.signal
    }
  }
}

/** Writes and, when the reader is slow, waits until it takes more. */
export async function write(stream: Writable, text: string | Uint8Array): Promise<void> {
  if (stream.write(text) || stream.destroyed) return
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
