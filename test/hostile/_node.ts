import { readdirSync, readFileSync } from 'node:fs'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  type LambdaClient
} from '@aws-sdk/client-lambda'
import { type Daemon, up } from '../_daemon.ts'
import { lambdaOf, ROLE, zipFiles, zipOf } from '../_functions.ts'

/** Memory that is a process's own, see proc_pid_status(5). Pages of files are the machine's cache: Node's code, which all processes share. */
const KILOBYTES = /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm

/** The node under attack. */
export interface Target {
  daemon: Daemon
  lambda: LambdaClient
  pid: number
  stop(): Promise<void>
}

export async function startTarget(): Promise<Target> {
  const endings: (() => unknown)[] = []
  const daemon = await up({ teardown: (ending) => endings.unshift(ending) })
  return {
    daemon,
    lambda: await lambdaOf(daemon),
    pid: await daemon.pid(),
    async stop() {
      for (const ending of endings) await ending()
    }
  }
}

interface Options {
  handler?: string | undefined
  memoryMb?: number | undefined
  timeoutSeconds?: number | undefined
  url?: boolean | undefined
  streams?: boolean | undefined
}

export async function deploy(
  { lambda }: Target,
  name: string,
  code: string | Record<string, string | Uint8Array> | Uint8Array,
  options: Options = {}
): Promise<void> {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs24.x' as never,
      Handler: options.handler ?? 'index.handler',
      Code: { ZipFile: zipped(code) },
      MemorySize: options.memoryMb ?? 128,
      Timeout: options.timeoutSeconds ?? 1
    })
  )
  if (options.url !== true) return
  const InvokeMode = options.streams === true ? 'RESPONSE_STREAM' : 'BUFFERED'
  await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE', InvokeMode }))
}

function zipped(code: string | Record<string, string | Uint8Array> | Uint8Array): Uint8Array {
  if (code instanceof Uint8Array) return code
  return typeof code === 'string' ? zipOf(code) : zipFiles(code)
}

export async function remove({ lambda }: Target, name: string): Promise<void> {
  await lambda.send(new DeleteFunctionCommand({ FunctionName: name }))
}

export interface Held {
  /** Megabytes of the daemon and of all processes below it. */
  mb: number
  /** Executors. */
  executors: number
}

/** What a daemon holds. */
export function heldBy(pid: number): Held {
  const executors = childrenOf(pid).filter(isExecutor)
  const all = [pid, ...childrenOf(pid).flatMap(withDescendants)]
  return { mb: Math.round(all.reduce((sum, one) => sum + kilobytesOf(one), 0) / 1_024), executors: executors.length }
}

function kilobytesOf(pid: number): number {
  let kilobytes = 0
  for (const [, part] of read(`/proc/${pid}/status`).matchAll(KILOBYTES)) kilobytes += Number(part)
  return kilobytes
}

/** By pid. A command line is in its process's memory: the kernel lets nobody read it while that is being taken down, and whoever asks then stands still. */
const executors = new Map<number, boolean>()

function isExecutor(pid: number): boolean {
  const known = executors.get(pid)
  if (known !== undefined) return known
  const command = read(`/proc/${pid}/cmdline`)
  const found = command.includes('--permission')
  if (command !== '') executors.set(pid, found)
  return found
}

function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)]
}

function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number))
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    // It ended between two looks.
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended between two looks.
    return ''
  }
}
