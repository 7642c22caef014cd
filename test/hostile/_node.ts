import { readdirSync, readFileSync } from 'node:fs'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  type LambdaClient
} from '@aws-sdk/client-lambda'
import { type Daemon, up } from '../_daemon.ts'
import { lambdaOf, ROLE, zipOf } from '../_functions.ts'

const KILOBYTES = /^VmRSS:\s+(\d+) kB$/m

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

export async function deploy(
  { lambda }: Target,
  name: string,
  code: string,
  options: { memoryMb?: number | undefined; timeoutSeconds?: number | undefined; url?: boolean | undefined } = {}
): Promise<void> {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs24.x' as never,
      Handler: 'index.handler',
      Code: { ZipFile: zipOf(code) },
      MemorySize: options.memoryMb ?? 128,
      Timeout: options.timeoutSeconds ?? 1
    })
  )
  if (options.url === true) await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE' }))
}

export async function remove({ lambda }: Target, name: string): Promise<void> {
  await lambda.send(new DeleteFunctionCommand({ FunctionName: name }))
}

/** Resident megabytes of the daemon and all its executors, and how many processes that is. */
export function residentOf(pid: number): { mb: number; processes: number } {
  let kilobytes = 0
  let processes = 0
  for (const one of [pid, ...childrenOf(pid)]) {
    try {
      kilobytes += Number(KILOBYTES.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0)
      processes++
    } catch {
      // It ended between two looks.
    }
  }
  return { mb: Math.round(kilobytes / 1_024), processes }
}

function childrenOf(pid: number): number[] {
  const found: number[] = []
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
        if (child !== '') found.push(Number(child))
    } catch {
      // A thread that ended.
    }
  }
  return found
}
