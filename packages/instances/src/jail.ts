import { execFile } from 'node:child_process'

const PROBE_MS_MAX = 5_000
/** What a reason for not using a tool may tell of its own words. */
const REASON_CHARS_MAX = 160
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

/** Why a command does not end well; undefined when it does. */
export function faultOf(words: readonly string[], identity?: { uid: number; gid: number }): Promise<string | undefined> {
  const [command = '', ...args] = words
  return new Promise((resolve) => {
    execFile(command, args, { ...identity, env: {}, cwd: '/', timeout: PROBE_MS_MAX }, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined)
      else if (error.code === 'ENOENT') resolve('not there')
      else resolve((stderr.trim().split('\n')[0] || error.message).slice(0, REASON_CHARS_MAX))
    })
  })
}

function outputOf(words: readonly string[]): Promise<string> {
  const [command = '', ...args] = words
  return new Promise((resolve) => {
    execFile(command, args, { env: {}, cwd: '/', timeout: PROBE_MS_MAX }, (_error, stdout) => resolve(stdout))
  })
}
