/** The servers under the bench, each in its own process on loopback; all are ended by `stopAll`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..')
const children: ChildProcess[] = []
let profiles: string | undefined
const folders: string[] = []

/** A server under load: where it answers, and the process at the top of its tree. */
export interface Served {
  url: string
  pid: number
}

export async function bareHttp(): Promise<Served> {
  const child = start(process.execPath, [join(import.meta.dirname, 'bare-http.ts')])
  return { url: `http://127.0.0.1:${await firstLine(child)}/?name=Ada`, pid: child.pid ?? 0 }
}

/** Gives back what it gets. */
export async function bareEcho(): Promise<Served> {
  const child = start(process.execPath, [join(import.meta.dirname, 'bare-echo.ts')])
  return { url: `http://127.0.0.1:${await firstLine(child)}/`, pid: child.pid ?? 0 }
}

export async function workerd(): Promise<Served> {
  const port = await freePort()
  const config = join(import.meta.dirname, 'workerd', 'config.capnp')
  const child = start(join(ROOT, 'node_modules', '.bin', 'workerd'), ['serve', config, `--socket-addr=http=127.0.0.1:${port}`])
  const url = `http://127.0.0.1:${port}/?name=Ada`
  await untilAnswers(url)
  return { url, pid: child.pid ?? 0 }
}

/** workerd with a worker that loads others; see workerd/loader.js. */
export async function workerLoader(): Promise<Served> {
  const port = await freePort()
  const config = join(import.meta.dirname, 'workerd', 'loader.capnp')
  const binary = join(
    ROOT,
    'node_modules',
    '@cloudflare',
    `workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`,
    'bin',
    'workerd'
  )
  const child = start(binary, ['serve', '--experimental', config, `--socket-addr=http=127.0.0.1:${port}`])
  const url = `http://127.0.0.1:${port}`
  await untilAnswers(`${url}/?kind=none`, { method: 'PUT', body: '' })
  return { url, pid: child.pid ?? 0 }
}

export interface Node {
  http: string
  data: string
  child: ChildProcess
}

/** Daemons that are started from now on leave a CPU profile of their main thread there when they end; their figures are worse for it. */
export function profileInto(directory: string): void {
  profiles = directory
}

/** A daemon of this checkout; `nodeArguments` go to its Node (a profiler, say). */
export async function peerless(args: string[], nodeArguments: string[] = []): Promise<Node> {
  const data = await mkdtemp(join(tmpdir(), 'peerless-bench-'))
  folders.push(data)
  const child = start(process.execPath, [
    ...nodeArguments,
    ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]),
    join(ROOT, 'bin', 'peerless'),
    'up',
    '--data',
    data,
    '--http',
    '127.0.0.1:0',
    '--json',
    ...args
  ])
  const { http } = JSON.parse(await firstLine(child)) as { http: string }
  return { http, data, child }
}

/** A node that calls from inside itself; see forwarder.ts. Each `ask` runs one measurement. */
export async function forwarder(invite: string): Promise<{ ask(concurrency: number, seconds: number): Promise<Forwarded> }> {
  const data = await mkdtemp(join(tmpdir(), 'peerless-bench-'))
  folders.push(data)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'forwarder.ts'), data, invite], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the forwarder ended')
    return value
  }
  await line()
  return {
    ask: async (concurrency, seconds) => {
      child.stdin.write(`${concurrency} ${seconds}\n`)
      return JSON.parse(await line()) as Forwarded
    }
  }
}

export interface Forwarded {
  callsPerSecond: number
  p50Us: number
  p99Us: number
}

/** Deploys hello, or the echo function, and gives its URL when it answers. */
export async function deployed(at: Node, name: 'hello' | 'echo'): Promise<Served> {
  const folder = name === 'hello' ? 'examples/hello' : join(import.meta.dirname, 'echo')
  await cli(at, 'deploy', folder, '--name', name, '--url', '--memory', '128')
  const url = `${at.http}/fn/${name}?name=Ada`
  await untilAnswers(url, name === 'echo' ? { method: 'POST', body: 'x' } : {})
  return { url, pid: at.child.pid ?? 0 }
}

/** Runs a command of the CLI at a node, with its own keys, and gives its stdout. */
export function cli(node: Node, ...args: string[]): Promise<string> {
  return command([...args, '--data', node.data])
}

/** Runs a command of the CLI and gives its stdout. */
export async function command(args: string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'peerless'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env }
  })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  const code = await closed
  if (code !== 0) throw new Error(`peerless ${args.join(' ')} exited with ${code}`)
  return text.trim()
}

export async function untilAnswers(url: string, options: RequestInit = {}): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    const answer = await fetch(url, options).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}

export async function stopAll(): Promise<void> {
  await Promise.all(children.splice(0).map(stop))
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}

function start(command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', process.env.BENCH_VERBOSE === undefined ? 'ignore' : 'inherit']
  })
  children.push(child)
  return child
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} exited with ${code}`)))
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
