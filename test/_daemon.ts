import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough, Readable } from 'node:stream'
import { type Host, realHost, run as runCommand } from '@peerless/cli'
import type { ExecutionContext } from 'ava'

const PEERLESS = join(import.meta.dirname, '..', 'bin', 'peerless')

export interface Ready {
  ready: true
  http: string
  peerId: string
  mesh: string
  dataDir: string
}

/** A real daemon, in its own process group and data folder. */
export class Daemon {
  readonly ready: Ready
  readonly child: ChildProcess
  /** Lines of its log so far. */
  readonly log: string[]

  constructor(child: ChildProcess, ready: Ready, log: string[]) {
    this.child = child
    this.ready = ready
    this.log = log
  }

  get http(): string {
    return this.ready.http
  }

  get peerId(): string {
    return this.ready.peerId
  }

  get dataDir(): string {
    return this.ready.dataDir
  }

  /** The daemon's own process: `bin/peerless` runs it as a child of its own where the machine's Node is another. */
  async pid(): Promise<number> {
    return (JSON.parse(await readFile(join(this.dataDir, 'daemon.json'), 'utf8')) as { pid: number }).pid
  }

  /** Access keys of its data folder. */
  async keys(): Promise<{ accessKeyId: string; secretAccessKey: string; region: string }> {
    return JSON.parse(await readFile(join(this.dataDir, 'daemon.json'), 'utf8'))
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode
    const exited = new Promise<number | null>((resolve) => this.child.once('exit', resolve))
    if (signal === 'SIGKILL') process.kill(await this.pid(), 'SIGKILL')
    else this.child.kill(signal)
    return await exited
  }

  /**
   * Runs a command of the CLI against this daemon, in the process of the test: to start one for each takes a third of a second of processor. What a process does
   * beside that (the launcher, signals, closed pipes) has tests of its own.
   */
  async cli(...args: string[]): Promise<Ran> {
    const said = { stdout: '', stderr: '' }
    const stream = (name: 'stdout' | 'stderr') =>
      new PassThrough({ encoding: 'utf8' }).on('data', (text: string) => {
        said[name] += text
      })
    const host: Host = {
      ...realHost(),
      stdin: Readable.from(['']),
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      terminal: false,
      style: (_format, text) => text,
      rows: () => undefined,
      interrupted: () => new AbortController().signal
    }
    const code = await runCommand([...args, '--data', this.dataDir], host)
    await Promise.all([host.stdout, host.stderr].map((stream) => new Promise((resolve) => stream.on('end', resolve).end())))
    return { code, ...said }
  }

  /** The same as a person does: in a process of its own, through `bin/peerless`. */
  shell(...args: string[]): Promise<Ran> {
    return run(PEERLESS, [...args, '--data', this.dataDir])
  }
}

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export function run(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; input?: string } = {}
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    // A program that ended without reading has said why in its code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Whatever runs something at its end: a test, or `sharedDaemon` for a whole file. */
export type Ending = Pick<ExecutionContext, 'teardown'>

export async function dataFolder(t: Ending): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Starts `peerless up`; resolves with its first line of JSON. Ended with the test, whatever happens.
 * @param options `preload` is a module that the daemon loads before its own code; `stderr` a descriptor where its log goes instead of to `log`; `files` how many
 * descriptors it may have
 */
export async function up(
  t: Ending,
  options: {
    data?: string
    args?: string[]
    env?: Record<string, string>
    preload?: string
    stderr?: number
    files?: number
  } = {}
): Promise<Daemon> {
  const data = options.data ?? (await dataFolder(t))
  const args = ['up', '--data', data, '--http', '127.0.0.1:0', '--json', ...(options.args ?? [])]
  const limited = options.files === undefined ? [] : ['sh', '-c', `ulimit -n ${options.files} && exec "$0" "$@"`]
  const node = options.preload === undefined ? [PEERLESS] : [process.execPath, '--import', options.preload, PEERLESS]
  const [command, ...before] = [...limited, ...node]
  const child = spawn(command as string, [...before, ...args], {
    stdio: ['ignore', 'pipe', options.stderr ?? 'pipe'],
    env: { ...process.env, ...options.env }
  })
  const log: string[] = []
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  const { stdout } = child
  if (stdout === null) throw new Error('it was started without a pipe for what it says')
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`peerless up exited with ${code}:\n${log.slice(-20).join('\n')}`)))
    createInterface({ input: stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready))
  })
  const daemon = new Daemon(child, ready, log)
  t.teardown(() => daemon.stop().catch(() => daemon.stop('SIGKILL')))
  return daemon
}

/** The founder and `count - 1` nodes that joined it. */
export async function meshOf(t: ExecutionContext, count: number, args: string[] = []): Promise<Daemon[]> {
  const founder = await up(t, { args })
  const joined: Daemon[] = []
  for (let index = 1; index < count; index++) {
    const invite = await founder.cli('invite')
    if (invite.code !== 0) throw new Error(invite.stderr)
    joined.push(await up(t, { args: ['--join', invite.stdout.trim(), ...args] }))
  }
  return [founder, ...joined]
}

/** Asks again until it holds; fails after `withinMs` with what it last said. For what other processes do in their own time. */
export async function eventually<Value>(
  probe: () => Promise<Value>,
  holds: (value: Value) => boolean,
  withinMs = 10_000
): Promise<Value> {
  const end = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (holds(value)) return value
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms; last: ${JSON.stringify(value)?.slice(0, 2_000)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
