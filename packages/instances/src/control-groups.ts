import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Clock, type Logger, messageOf, type Random } from '@peerless/interface'
import { ControlGroup, FILES, type GroupPlace, removeGroup } from './control-group.ts'
import { type Hierarchy, hierarchiesOf } from './control-group-paths.ts'
import type { Layer } from './isolation.ts'
import { INSTANCES_MAX } from './limits.ts'

const LAYER = 'control groups'
/**
 * In the order in which they are told. Not `cpu`: with a share for each executor a bystander waited up to 0.7 s while four calls beside it filled their heaps, and up to 0.3 s without.
 */
const CONTROLLERS = ['memory', 'pids'] as const
/** A thread for each isolate that runs, and for Node's own, isolated-vm's pool on a large machine, and the processes around. */
const TASKS_MAX = INSTANCES_MAX + 256
/** Version 2: where the processes of the node's own group go. */
const NODE_GROUP = 'peerless-node'
const NAME = /^peerless-(\d+)-(\d+)-/

export interface ControlGroupOptions {
  clock: Clock
  random: Random
  logger: Logger
}

interface Tree {
  version: 1 | 2
  /** The node's own part of it, with a group per executor. */
  folder: string
  controllers: readonly string[]
}

/**
 * The control groups of this node's executors, below the group that the node itself is in: in version 2 of cgroups where that was delegated to the node, else in
 * version 1. Their names tell the process that made them, so that the next node here removes what a crashed one left.
 */
export class ControlGroups {
  readonly layer: Layer
  readonly #trees: readonly Tree[]
  readonly #options: ControlGroupOptions
  #number = 0

  private constructor(trees: readonly Tree[], layer: Layer, options: ControlGroupOptions) {
    this.#trees = trees
    this.layer = layer
    this.#options = options
  }

  /**
   * Makes the node's groups where that can be done. Never throws.
   * @returns the groups, or the layer that says why there are none
   */
  static async open(options: ControlGroupOptions): Promise<ControlGroups | Layer> {
    try {
      const hierarchies = hierarchiesOf(
        await readFile('/proc/self/mountinfo', 'utf8'),
        await readFile('/proc/self/cgroup', 'utf8')
      )
      return await openIn(hierarchies, options)
    } catch (error) {
      return { layer: LAYER, active: false, detail: `not there: ${messageOf(error)}` }
    }
  }

  /** @internal */
  static of(trees: readonly Tree[], layer: Layer, options: ControlGroupOptions): ControlGroups {
    return new ControlGroups(trees, layer, options)
  }

  /** @param memoryMb what its processes may hold together at first */
  create(memoryMb: number): ControlGroup {
    const name = `executor-${++this.#number}`
    const folderWith = (controller: string) => {
      const tree = this.#trees.find(({ controllers }) => controllers.includes(controller))
      return tree === undefined ? undefined : `${tree.folder}/${name}`
    }
    const [first] = this.#trees
    const place: GroupPlace = {
      version: first?.version ?? 2,
      folders: this.#trees.map(({ folder }) => `${folder}/${name}`),
      memory: folderWith('memory') ?? '',
      pids: folderWith('pids')
    }
    return new ControlGroup(place, memoryMb, TASKS_MAX, this.#options.clock, this.#options.logger)
  }

  /** After all executors have ended. */
  async close(): Promise<void> {
    for (const { folder, version } of this.#trees) await removeTree(folder, version, this.#options)
  }
}

async function openIn(hierarchies: readonly Hierarchy[], options: ControlGroupOptions): Promise<ControlGroups | Layer> {
  const reasons: string[] = []
  const started = await startOf('self')
  const name = `peerless-${process.pid}-${started}-${Buffer.from(options.random.bytes(4)).toString('hex')}`
  for (const version of [2, 1] as const) {
    const trees: Tree[] = []
    for (const hierarchy of hierarchies.filter((one) => one.version === version)) {
      try {
        await removeOrphans(hierarchy.folder, version, options)
        const tree = version === 2 ? await openSecond(hierarchy, name) : await openFirst(hierarchy, name)
        if (tree === undefined) continue
        trees.push(tree)
      } catch (error) {
        reasons.push(`v${version}: ${messageOf(error)}`)
      }
    }
    const controllers = CONTROLLERS.filter((one) => trees.some((tree) => tree.controllers.includes(one)))
    if (controllers.includes('memory')) {
      const missing = CONTROLLERS.filter((one) => !controllers.includes(one))
      const without = missing.length === 0 ? '' : `, without ${missing.join(', ')}`
      const detail = `v${version}, one per executor: ${controllers.map(tell).join('; ')}${without}`
      return ControlGroups.of(trees, { layer: LAYER, active: true, detail }, options)
    }
    for (const { folder } of trees) await removeTree(folder, version, options)
    reasons.push(`v${version}: no memory controller for this node`)
  }
  return { layer: LAYER, active: false, detail: [...new Set(reasons)].join('; ') }
}

function tell(controller: (typeof CONTROLLERS)[number]): string {
  switch (controller) {
    case 'memory':
      return 'memory of its instances and what Node needs'
    default:
      return `${TASKS_MAX} threads`
  }
}

async function openFirst({ folder, controllers }: Hierarchy, name: string): Promise<Tree | undefined> {
  const wanted = CONTROLLERS.filter((one) => controllers.includes(one))
  if (wanted.length === 0) return undefined
  const own = `${folder}/${name}`
  await mkdir(own)
  return { version: 1, folder: own, controllers: wanted }
}

async function openSecond(found: Hierarchy, name: string): Promise<Tree | undefined> {
  // A node before this one may have moved whoever starts nodes here, see `passOn`.
  const moved = found.group.endsWith(`/${NODE_GROUP}`)
  const folder = moved ? dirname(found.folder) : found.folder
  const group = moved ? dirname(found.group) : found.group
  const available = wordsOf(await readFile(`${folder}/cgroup.controllers`, 'utf8'))
  const wanted = CONTROLLERS.filter((one) => available.includes(one))
  if (!wanted.includes('memory')) return undefined
  await passOn(folder, group, wanted)
  const own = `${folder}/${name}`
  await mkdir(own)
  await writeFile(`${own}/cgroup.subtree_control`, wanted.map((one) => `+${one}`).join(' '))
  return { version: 2, folder: own, controllers: wanted }
}

/**
 * Hands controllers on to groups below. That is refused while the group itself holds processes (cgroups v2, "No Internal Process Constraint"), so they go into one below:
 * all of them where the group is a container's or the service's own, else this process alone; if others are left there, executors get no groups.
 */
async function passOn(folder: string, group: string, wanted: readonly string[]): Promise<void> {
  const given = wordsOf(await readFile(`${folder}/cgroup.subtree_control`, 'utf8'))
  const lacking = wanted.filter((one) => !given.includes(one))
  if (lacking.length === 0) return
  const order = lacking.map((one) => `+${one}`).join(' ')
  try {
    await writeFile(`${folder}/cgroup.subtree_control`, order)
    return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
  }
  const below = `${folder}/${NODE_GROUP}`
  await mkdir(below).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const all = group === '/' || /peerless[^/]*\.service$/.test(group)
  const pids = all ? linesOf(await readFile(`${folder}/cgroup.procs`, 'utf8')) : [String(process.pid)]
  for (const pid of pids) await writeFile(`${below}/cgroup.procs`, pid)
  try {
    await writeFile(`${folder}/cgroup.subtree_control`, order)
  } catch (error) {
    for (const pid of pids) await writeFile(`${folder}/cgroup.procs`, pid)
    await rmdir(below).catch(() => undefined)
    throw error
  }
}

/** What nodes left here that are gone. */
async function removeOrphans(folder: string, version: 1 | 2, options: ControlGroupOptions): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid, started] = NAME.exec(name) ?? []
    if (pid === undefined || started === undefined || (await startOf(pid)) === started) continue
    options.logger.info('removing the control groups of a node that is gone', { group: `${folder}/${name}` })
    await removeTree(`${folder}/${name}`, version, options)
  }
}

async function removeTree(folder: string, version: 1 | 2, { clock, logger }: ControlGroupOptions): Promise<void> {
  const names = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    if (entry.isDirectory()) await removeGroup(`${folder}/${entry.name}`, FILES[version].kill, clock, logger)
  }
  await removeGroup(folder, FILES[version].kill, clock, logger)
}

/** When a process was started, in ticks since the machine was; undefined when it is gone. Two processes with one id differ in it. */
async function startOf(pid: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // proc_pid_stat(5): field 22; the name before may hold blanks and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/)
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
