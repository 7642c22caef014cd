import { PassThrough, Readable } from 'node:stream'
import type { Host } from '../src/host.ts'
import { run } from '../src/index.ts'

export interface Result {
  code: number
  stdout: string
  stderr: string
}

export interface Machine {
  env?: Record<string, string>
  stdin?: string
  home?: string
  cwd?: string
  terminal?: boolean
  rows?: number
  interrupt?: AbortSignal
  /** Told every text on stdout as it comes. */
  onStdout?: (text: string) => void
  onStderr?: (text: string) => void
}

/** Runs a command line in this process, on a machine of the test's making. */
export async function runCommand(argv: readonly string[], machine: Machine = {}): Promise<Result> {
  const result: Result = { code: -1, stdout: '', stderr: '' }
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  stdout.on('data', (chunk: Buffer) => {
    result.stdout += chunk
    machine.onStdout?.(String(chunk))
  })
  stderr.on('data', (chunk: Buffer) => {
    result.stderr += chunk
    machine.onStderr?.(String(chunk))
  })
  const host: Host = {
    env: machine.env ?? {},
    home: machine.home ?? '/nonexistent/home',
    cwd: machine.cwd ?? '/nonexistent/cwd',
    stdin: Readable.from([machine.stdin ?? '']),
    stdout,
    stderr,
    terminal: machine.terminal ?? false,
    style: (_format, text) => text,
    rows: () => machine.rows,
    now: () => NOW,
    monotonic: () => performance.now(),
    interrupted: () => machine.interrupt ?? new AbortController().signal
  }
  result.code = await run(argv, host)
  await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.end(resolve))))
  return result
}

export const NOW = Date.UTC(2026, 4, 1, 12)
