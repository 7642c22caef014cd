import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { messageOf } from '@peerless/interface'
import { EXECUTOR_PIPE_FD } from '@peerless/sandbox'
import type { FilterFile } from './filter-file.ts'

const PROBE_MS_MAX = 5_000
/** What a reason for not using a tool may tell of its own words. */
const REASON_CHARS_MAX = 160
/** Where `bwrap` finds the filter of system calls: after what an executor has open. It reads and closes it. */
const FILTER_FD = EXECUTOR_PIPE_FD + 1
/** Words of `bwrap` that put it in force, where the process is started with `withFilter`. */
export const FILTER_WORDS: readonly string[] = ['--seccomp', String(FILTER_FD)]
/** Where the loader looks first, where a distribution keeps libraries in places of its own. */
const LOADER_CACHE = '/etc/ld.so.cache'

/**
 * Arguments for `bwrap` that leave a process nothing of the machine but the files that it is made of: a root that holds Node, the libraries that Node and the addon
 * are linked with, and the addon, all read-only; no /proc, no devices, no network; and process ids, users, IPC and host name of its own. The process ends with the daemon.
 * @param libraries absolute paths
 */
export function jailArguments(
  nodePath: string,
  addonPath: string,
  libraries: readonly string[],
  options: readonly string[]
): string[] {
  const files = [...new Set([nodePath, addonPath, ...libraries])]
  return [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--hostname',
    'executor',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    ...options,
    ...files.flatMap((path) => ['--ro-bind', path, path]),
    '--ro-bind-try',
    LOADER_CACHE,
    LOADER_CACHE,
    // The root itself is in memory: names without number could be made there, which the limit of a file's size does not count.
    '--remount-ro',
    '/',
    '--chdir',
    '/',
    '--'
  ]
}

/** Files that the dynamic loader takes to start these programs, as `ldd` says; none where it cannot be asked. */
export async function librariesOf(ldd: string, programs: readonly string[]): Promise<string[]> {
  const outputs = await Promise.all(programs.map((program) => outputOf([ldd, program])))
  const paths = outputs.flatMap((output) => [...output.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, path = '']) => path))
  return [...new Set(paths)]
}

/**
 * Runs `start` with what a process is to have open, and the filter, if there is one, where `bwrap` reads it.
 * @throws the system's error where it cannot be started for want of descriptors
 */
export function withFilter<Started extends ChildProcess>(
  filter: FilterFile | undefined,
  stdio: readonly ('pipe' | 'ignore')[],
  start: (stdio: StdioOptions) => Started
): Started {
  if (filter === undefined) return withPipes(start([...stdio]))
  const descriptor = filter.open()
  try {
    const between = Array.from({ length: FILTER_FD - stdio.length }, () => 'ignore' as const)
    return withPipes(start([...stdio, ...between, descriptor]))
  } finally {
    closeSync(descriptor)
  }
}

/** Node gives one without its pipes where there are no descriptors for them, and says why in an event, which ends this process where nobody waits for it. */
function withPipes<Started extends ChildProcess>(child: Started): Started {
  if ((child.stdio as unknown) !== undefined) return child
  child.on('error', () => undefined)
  throw Object.assign(new Error('EMFILE: no pipes to a process could be opened'), { code: 'EMFILE' })
}

/** Why a command does not end well; undefined when it does. */
export function faultOf(
  words: readonly string[],
  identity?: { uid: number; gid: number },
  filter?: FilterFile
): Promise<string | undefined> {
  const [command = '', ...args] = words
  return new Promise((resolve) => {
    let child: ChildProcess
    try {
      child = withFilter(filter, ['ignore', 'ignore', 'pipe'], (stdio) =>
        spawn(command, args, { ...identity, env: {}, cwd: '/', timeout: PROBE_MS_MAX, stdio })
      )
    } catch (error) {
      resolve(messageOf(error).slice(0, REASON_CHARS_MAX))
      return
    }
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, REASON_CHARS_MAX)
    })
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'not there' : error.message.slice(0, REASON_CHARS_MAX))
    )
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else resolve(said.trim().split('\n')[0] || `it ended with ${signal ?? code}`)
    })
  })
}

function outputOf(words: readonly string[]): Promise<string> {
  const [command = '', ...args] = words
  return new Promise((resolve) => {
    execFile(command, args, { env: {}, cwd: '/', timeout: PROBE_MS_MAX }, (_error, stdout) => resolve(stdout))
  })
}
