import { existsSync, readFileSync } from 'node:fs'
import type { Layer } from './isolation.ts'
import { faultOf, jailArguments, librariesOf } from './jail.ts'

/** An unused identity: above the accounts of people, below `nobody` and those that service managers give away. */
const SPARE_UID = 60_999
const SPARE = { uid: SPARE_UID, gid: SPARE_UID }
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin']
/** Files that an executor has open: its pipes, and what Node's event loop and the addon need. */
const FILES_MAX = 64
/** Threads of all executors together, where they have a user of their own. */
const THREADS_MAX = 4_096

interface Identity {
  uid: number
  gid: number
}

/** How the operating system holds executors on this machine. Each part was tried once, when the daemon started. */
export interface Confinement {
  command: string
  /** Before the arguments of Node. */
  prefix: string[]
  identity: Identity | undefined
  /** The command is a parent that stays, and Node is a process below it. */
  wrapped: boolean
  layers: Layer[]
}

/** Why a command does not end well, as this identity; undefined when it does. */
type Try = (words: readonly string[], identity?: Identity) => Promise<string | undefined>

/** From the strictest on: not every version of `bwrap` knows every option, not every machine allows each. */
const JAIL_OPTIONS = [['--disable-userns'], []]

const found = new Map<string, Promise<Confinement>>()

/**
 * Looks what is there and works, once per process; what does not is left out and named with the reason. Never throws.
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
  const start = [nodePath, '--version']
  const libraries = await librariesOf(toolAt('ldd'), [nodePath, addonPath])
  const jails = JAIL_OPTIONS.map((options) => [toolAt('bwrap'), ...jailArguments(nodePath, addonPath, libraries, options)])
  const reading = [toolAt('test'), '-r', addonPath]
  // Whoever may do all of it may do each part: mostly that is so, and each try is two or three processes.
  const whole = await faultOfWhole([...(jails[0] as string[]), ...start], reading)
  const attempt: Try = whole === undefined ? () => Promise.resolve(undefined) : faultOf
  const limits = await findLimits(start, attempt)
  const user = await findUser([...limits.words, ...start], [...limits.words, ...reading], attempt)
  const jail = await findJail(jails, libraries.length, (words) => attempt([...limits.words, ...words, ...start], user.identity))
  const namespaces = jail.words.length > 0 ? undefined : await findNamespaces(limits.words, start, user.identity)
  const [command = nodePath, ...prefix] = [...launcher, ...limits.words, ...jail.words, ...(namespaces?.words ?? []), nodePath]
  return {
    command,
    prefix,
    identity: user.identity,
    wrapped: jail.words.length > 0,
    layers: [user.layer, limits.layer, ...jail.layers, ...(namespaces === undefined ? [] : [namespaces.layer])]
  }
}

/** Everything that executors can be held with, at once. */
async function faultOfWhole(jailed: readonly string[], reading: readonly string[]): Promise<string | undefined> {
  const identity = whyNoUser() === undefined ? SPARE : undefined
  const fault = await faultOf([...limitWords(), ...jailed], identity)
  return fault === undefined && identity !== undefined ? await faultOf([...limitWords(), ...reading], identity) : fault
}

function limitWords(): string[] {
  return [toolAt('prlimit'), '--core=0', '--fsize=0', `--nofile=${FILES_MAX}`, `--nproc=${THREADS_MAX}`, '--']
}

async function findLimits(start: readonly string[], attempt: Try): Promise<{ words: string[]; layer: Layer }> {
  const layer = 'resource limits'
  const words = limitWords()
  const fault = await attempt([...words, ...start])
  if (fault !== undefined) return { words: [], layer: { layer, active: false, detail: `prlimit: ${fault}` } }
  // V8 reserves 128 MB of writable code range per isolate, so a limit of writable memory (RLIMIT_DATA) would have to be too large to help.
  const detail = `prlimit: no core dumps, no files written, ${FILES_MAX} open files, ${THREADS_MAX} threads of the user`
  return { words, layer: { layer, active: true, detail } }
}

function whyNoUser(): string | undefined {
  if (process.getuid?.() !== 0) return 'executors run as the user of the daemon, which is not root'
  return isTaken(SPARE_UID) ? `uid ${SPARE_UID} is taken` : undefined
}

async function findUser(
  start: readonly string[],
  readAddon: readonly string[],
  attempt: Try
): Promise<{ identity: Identity | undefined; layer: Layer }> {
  const layer = 'user'
  const without = (detail: string) => ({ identity: undefined, layer: { layer, active: false, detail } })
  const why = whyNoUser()
  if (why !== undefined) return without(why)
  const fault = (await attempt(start, SPARE)) ?? (await attempt(readAddon, SPARE))
  if (fault !== undefined) return without(`uid ${SPARE_UID} cannot read Node or the addon: ${fault}`)
  return { identity: SPARE, layer: { layer, active: true, detail: `uid ${SPARE_UID}, which nobody else has` } }
}

/** @param jails words for `bwrap`, for each of JAIL_OPTIONS */
async function findJail(
  jails: readonly string[][],
  libraries: number,
  attempt: (words: readonly string[]) => Promise<string | undefined>
): Promise<{ words: string[]; layers: Layer[] }> {
  const files = 'file system'
  let fault: string | undefined
  for (const [index, words] of jails.entries()) {
    fault = await attempt(words)
    if (fault !== undefined) continue
    const further = (JAIL_OPTIONS[index]?.length ?? 0) > 0 ? ', no further user namespaces' : ''
    return {
      words,
      layers: [
        {
          layer: 'namespaces',
          active: true,
          detail: `bwrap: user, process ids, network, IPC and host name of their own${further}`
        },
        {
          layer: files,
          active: true,
          detail: `bwrap: nothing but Node, its ${libraries} libraries and the addon, read-only`
        }
      ]
    }
  }
  return { words: [], layers: [{ layer: files, active: false, detail: `bwrap: ${fault}` }] }
}

async function findNamespaces(
  before: readonly string[],
  start: readonly string[],
  identity: Identity | undefined
): Promise<{ words: string[]; layer: Layer }> {
  const layer = 'namespaces'
  const words = [toolAt('unshare'), '--user', '--net', '--ipc', '--uts', '--']
  const fault = await faultOf([...before, ...words, ...start], identity)
  if (fault !== undefined) return { words: [], layer: { layer, active: false, detail: `unshare: ${fault}` } }
  return { words, layer: { layer, active: true, detail: 'unshare: user, network, IPC and host name of their own' } }
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
