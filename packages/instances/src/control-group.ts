import { readFileSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { MessageChannel } from 'node:worker_threads'
import { type Clock, type Logger, messageOf } from '@peerless/interface'

const MB = 1_048_576
/** A group can be removed when its last process is gone from the kernel's lists, some milliseconds after it was killed. */
const REMOVE_TRIES_MAX = 250
const REMOVE_PAUSE_MS = 20
/** A limit is lowered only where so much of it is free, since one that is below what is in use is refused (version 1) or kills (version 2). */
const LOWER_SLACK_MB = 64

/** What of a group's files is called how, in the versions of cgroups. */
export interface GroupFiles {
  memoryLimit: string
  /** Holds a line `oom_kill N`. */
  memoryEvents: string
  /** Nothing of a group is swapped out: a limit of memory would be none. */
  noSwap: readonly [file: string, value: string]
  /** Kills all that is in the group; version 1 has nothing of the kind. */
  kill: string | undefined
}

export const FILES: Readonly<Record<1 | 2, GroupFiles>> = {
  1: {
    memoryLimit: 'memory.limit_in_bytes',
    memoryEvents: 'memory.oom_control',
    noSwap: ['memory.swappiness', '0'],
    kill: undefined
  },
  2: { memoryLimit: 'memory.max', memoryEvents: 'memory.events', noSwap: ['memory.swap.max', '0'], kill: 'cgroup.kill' }
}

export interface GroupPlace {
  version: 1 | 2
  /** The folder of the group, one per tree: a single one in version 2. */
  folders: readonly string[]
  /** That of them which has the memory controller. */
  memory: string
  /** And pids, if any. */
  pids: string | undefined
}

/** The control group of one executor: bounds that the kernel holds, also between two looks of the daemon. */
export class ControlGroup {
  readonly #place: GroupPlace
  readonly #files: GroupFiles
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #made: Promise<void>
  #wantedMb: number
  #writtenMb = 0
  #writing: Promise<void> | undefined
  #removed = false

  /**
   * @param memoryMb what it may hold at first
   * @param tasksMax processes and threads
   */
  constructor(place: GroupPlace, memoryMb: number, tasksMax: number, clock: Clock, logger: Logger) {
    this.#place = place
    this.#files = FILES[place.version]
    this.#clock = clock
    this.#logger = logger
    this.#wantedMb = memoryMb
    this.#made = this.#make(tasksMax)
    // `enter` tells.
    this.#made.catch(() => undefined)
  }

  /**
   * Takes a process in, and what it has forked meanwhile: whoever is forked by a process that is in is in, so each list of children is complete once their
   * parent has been moved.
   * @returns why it is not in, if so
   */
  async enter(pid: number): Promise<string | undefined> {
    try {
      await this.#made
      await this.#move(pid)
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  /**
   * Sets how much memory the group may hold. More is granted at once; less only where `usedMb` says that it is free.
   * @param usedMb resident megabytes of the group, where they are known
   */
  allow(memoryMb: number, usedMb?: number): void {
    if (memoryMb === this.#wantedMb) return
    if (memoryMb < this.#wantedMb && (usedMb === undefined || usedMb + LOWER_SLACK_MB > memoryMb)) return
    this.#wantedMb = memoryMb
    this.#writing ??= this.#adjust()
  }

  /** The kernel killed something in the group because its memory was used up. Reads a file of the kernel: some 20 µs. */
  get outOfMemory(): boolean {
    try {
      const events = readFileSync(`${this.#place.memory}/${this.#files.memoryEvents}`, 'utf8')
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0
    } catch {
      // The group was removed or never made; nobody can tell then, and an unexplained end is an exit.
      return false
    }
  }

  /** Kills what is left in it. Resolves when the group is gone, or has been given up. */
  async remove(): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    // Whether it could be made or not: what is there is removed.
    await this.#made.catch(() => undefined)
    await this.#writing
    for (const folder of this.#place.folders) await removeGroup(folder, this.#files.kill, this.#clock, this.#logger)
  }

  async #make(tasksMax: number): Promise<void> {
    const { folders, memory, pids } = this.#place
    for (const folder of folders) await mkdir(folder)
    const [file, value] = this.#files.noSwap
    // Not there on a kernel without swap.
    await writeFile(`${memory}/${file}`, value).catch(() => undefined)
    // What belongs together dies together: an executor and the processes around it.
    if (this.#place.version === 2) await writeFile(`${memory}/memory.oom.group`, '1')
    if (pids !== undefined) await writeFile(`${pids}/pids.max`, String(tasksMax))
    await this.#writeLimit()
  }

  async #writeLimit(): Promise<void> {
    const mb = this.#wantedMb
    await writeFile(`${this.#place.memory}/${this.#files.memoryLimit}`, String(mb * MB))
    this.#writtenMb = mb
  }

  /** One write at a time, until what is wanted is written. */
  async #adjust(): Promise<void> {
    try {
      await this.#made
      while (this.#writtenMb !== this.#wantedMb && !this.#removed) await this.#writeLimit()
    } catch (error) {
      if (this.#removed) return
      this.#logger.warn('the memory of a control group could not be bounded', {
        group: this.#place.memory,
        memoryMb: this.#wantedMb,
        reason: messageOf(error)
      })
    } finally {
      this.#writing = undefined
    }
  }

  async #move(pid: number): Promise<void> {
    for (const folder of this.#place.folders) await writeFile(`${folder}/cgroup.procs`, String(pid))
    for (const child of await childrenOf(pid)) await this.#move(child)
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  // Of a process that has just ended there is nothing to move.
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').flatMap((one) => (one === '' ? [] : [Number(one)]))
}

/** Kills what is in a group and removes it. Gives up after some seconds, and says so. */
export async function removeGroup(folder: string, killFile: string | undefined, clock: Clock, logger: Logger): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rmdir(folder)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || tries >= REMOVE_TRIES_MAX) {
        logger.warn('a control group could not be removed', { group: folder, reason: messageOf(error) })
        return
      }
    }
    await killAll(folder, killFile)
    await pause(clock)
  }
}

/** A clock's timers keep no process alive. A daemon that ends must wait for this one, or it leaves groups behind. */
async function pause(clock: Clock): Promise<void> {
  const { port1 } = new MessageChannel()
  port1.ref()
  await new Promise<void>((resolve) => clock.after(REMOVE_PAUSE_MS, resolve))
  port1.close()
}

async function killAll(folder: string, killFile: string | undefined): Promise<void> {
  try {
    if (killFile !== undefined) await writeFile(`${folder}/${killFile}`, '1')
    for (const line of (await readFile(`${folder}/cgroup.procs`, 'utf8')).split('\n')) {
      if (Number(line) > 0) process.kill(Number(line), 'SIGKILL')
    }
  } catch {
    // One that ended meanwhile, or a kernel (before 5.14) without `cgroup.kill`: the next try tells whether something is left.
  }
}
