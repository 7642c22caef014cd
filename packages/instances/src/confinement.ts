import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** An unused identity: above the accounts of people, below `nobody` and those that service managers give away. */
const SPARE_UID = 60_999
const SPARE = { uid: SPARE_UID, gid: SPARE_UID }
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
const PROBE_MS_MAX = 5_000
/** Files that an executor has open: its pipes, and what Node's event loop and the addon need. */
const FILES_MAX = 64
/** Threads of all executors together, where they have a user of their own. */
const THREADS_MAX = 4_096

/** How the operating system holds executors on this machine. Each part was tried once, when the daemon started. */
export interface Confinement {
  command: string
  /** Before the arguments of Node. */
  prefix: string[]
  identity: { uid: number; gid: number } | undefined
  details: string[]
  missing: string[]
}

const found = new Map<string, Promise<Confinement>>()

/**
 * Looks what is there and works, once per process; what does not is left out and named. Never throws.
 * @param launcher words before everything else, see `batchLauncher`
 */
export function findConfinement(nodePath: string, addonPath: string, launcher: readonly string[]): Promise<Confinement> {
  const known = found.get(nodePath)
  if (known !== undefined) return known
  const looking = look(nodePath, addonPath, launcher)
  found.set(nodePath, looking)
  return looking
}

async function look(nodePath: string, addonPath: string, launcher: readonly string[]): Promise<Confinement> {
  const details: string[] = []
  const missing: string[] = []
  let prefix: string[] = []
  const works = async (candidate: string[], identity?: { uid: number; gid: number }) =>
    await runs([...candidate, nodePath, '--version'], identity)

  const limits = [toolAt('prlimit'), '--core=0', '--fsize=0', `--nofile=${FILES_MAX}`, `--nproc=${THREADS_MAX}`, '--']
  if (await works(limits)) {
    prefix = limits
    details.push(`prlimit: no core dumps, no files written, ${FILES_MAX} open files`)
  } else missing.push('prlimit')

  const namespaces = [toolAt('unshare'), '--user', '--net', '--ipc', '--uts', '--']
  if (await works([...prefix, ...namespaces])) {
    prefix = [...prefix, ...namespaces]
    details.push('unshare: user, network, IPC and host name of their own')
  } else missing.push('user namespaces (unshare)')

  let identity: Confinement['identity']
  if (process.getuid?.() !== 0) missing.push('a user of its own (the daemon is not root)')
  else if (isTaken(SPARE_UID)) missing.push(`a user of its own (uid ${SPARE_UID} is taken)`)
  else if ((await works(prefix, SPARE)) && (await runs([...prefix, toolAt('test'), '-r', addonPath], SPARE))) {
    identity = SPARE
    details.push(`uid ${SPARE_UID}, which nobody else has`)
  } else missing.push(`a user of its own (uid ${SPARE_UID} cannot read Node or the addon)`)

  // V8 reserves 128 MB of writable code range per isolate, so a limit of writable memory (RLIMIT_DATA) would have to be too large to help.
  missing.push(
    existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'cgroups (there, not used)' : 'cgroups v2 (not there)',
    'seccomp filters beyond those of the machine'
  )
  const [command = nodePath, ...rest] = [...launcher, ...prefix, nodePath]
  return {
    command,
    prefix: rest,
    identity,
    details,
    missing
  }
}

function runs(words: string[], identity: { uid: number; gid: number } | undefined): Promise<boolean> {
  const [command = '', ...args] = words
  return new Promise((resolve) => {
    execFile(command, args, { ...identity, env: {}, cwd: '/', timeout: PROBE_MS_MAX }, (error) => resolve(error === null))
  })
}

/** Executors have no search path, so tools are named in full. */
function toolAt(name: string): string {
  return TOOL_FOLDERS.map((folder) => `${folder}/${name}`).find((path) => existsSync(path)) ?? name
}

function isTaken(uid: number): boolean {
  try {
    return readFileSync('/etc/passwd', 'utf8').includes(`:${uid}:`)
  } catch {
    // No list of accounts, so nobody has it.
    return false
  }
}
