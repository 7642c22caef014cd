import { existsSync, readFileSync } from 'node:fs'
import { type FilterFile, makeFilterFile } from './filter-file.ts'
import type { Layer } from './isolation.ts'
import { FILTER_WORDS, faultOf, jailArguments, librariesOf } from './jail.ts'
import { REFUSED } from './syscall-filter.ts'

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
  /** What processes are started with, see `withFilter`. */
  filter: FilterFile | undefined
  layers: Layer[]
}

/** Why a command does not end well, as this identity; undefined when it does. */
type Try = (words: readonly string[], identity?: Identity) => Promise<string | undefined>

/** From the strictest on: not every version of `bwrap` knows every option, not every machine allows each. */
const JAIL_OPTIONS = [['--disable-userns'], []]
const FILTER_LAYER = 'seccomp'

/** One way of calling `bwrap`. */
interface Jail {
  words: string[]
  /** No further user namespaces. */
  final: boolean
  filtered: boolean
}

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
  const made = makeFilterFile()
  const filter = typeof made === 'string' ? undefined : made
  const jailOf = (options: readonly string[], filtered: boolean): Jail => {
    const words = jailArguments(nodePath, addonPath, libraries, [...options, ...(filtered ? FILTER_WORDS : [])])
    return { words: [toolAt('bwrap'), ...words], final: options.length > 0, filtered }
  }
  const jails = (filter === undefined ? [false] : [true, false]).flatMap((filtered) =>
    JAIL_OPTIONS.map((options) => jailOf(options, filtered))
  )
  const reading = [toolAt('test'), '-r', addonPath]
  // Whoever may do all of it may do each part: mostly that is so, and each try is two or three processes.
  const whole = await faultOfWhole([...(jails[0] as Jail).words, ...start], reading, filter)
  const attempt: Try =
    whole === undefined ? () => Promise.resolve(undefined) : (words, identity) => faultOf(words, identity, filter)
  const limits = await findLimits(start, attempt)
  const user = await findUser([...limits.words, ...start], [...limits.words, ...reading], attempt)
  const jail = await findJail(jails, libraries.length, (words) => attempt([...limits.words, ...words, ...start], user.identity))
  const filterLayer = filterLayerOf(made, jail)
  const namespaces = jail.words.length > 0 ? undefined : await findNamespaces(limits.words, start, user.identity)
  const [command = nodePath, ...prefix] = [...launcher, ...limits.words, ...jail.words, ...(namespaces?.words ?? []), nodePath]
  return {
    command,
    prefix,
    identity: user.identity,
    wrapped: jail.words.length > 0,
    filter: jail.filtered ? filter : undefined,
    layers: [user.layer, limits.layer, ...jail.layers, ...(namespaces === undefined ? [] : [namespaces.layer]), filterLayer]
  }
}

/** Everything that executors can be held with, at once. */
async function faultOfWhole(
  jailed: readonly string[],
  reading: readonly string[],
  filter: FilterFile | undefined
): Promise<string | undefined> {
  const identity = whyNoUser() === undefined ? SPARE : undefined
  const fault = await faultOf([...limitWords(), ...jailed], identity, filter)
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

/** @param jails from the strictest on */
async function findJail(
  jails: readonly Jail[],
  libraries: number,
  attempt: (words: readonly string[]) => Promise<string | undefined>
): Promise<{ words: string[]; filtered: boolean; fault: string | undefined; layers: Layer[] }> {
  const files = 'file system'
  let fault: string | undefined
  for (const { words, final, filtered } of jails) {
    const failed = await attempt(words)
    if (failed !== undefined) {
      fault ??= failed
      continue
    }
    const further = final ? ', no further user namespaces' : ''
    return {
      words,
      filtered,
      fault,
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
  return { words: [], filtered: false, fault, layers: [{ layer: files, active: false, detail: `bwrap: ${fault}` }] }
}

function filterLayerOf(made: FilterFile | string, jail: { filtered: boolean; fault: string | undefined }): Layer {
  if (typeof made === 'string') return { layer: FILTER_LAYER, active: false, detail: made }
  if (!jail.filtered) return { layer: FILTER_LAYER, active: false, detail: `bwrap: ${jail.fault}` }
  const detail = `bwrap: no new sockets or processes, and ${REFUSED.length} system calls that executors have no use for`
  return { layer: FILTER_LAYER, active: true, detail }
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
