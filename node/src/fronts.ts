import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { type Clock, type Logger, PeerlessError, type Timer } from '@peerless/interface'
import type { Left } from '@peerless/queue'
import { fromFrontRule, type ToFront } from './front-message.ts'
import type { NodeOptions } from './options.ts'

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'front.js')
/** Start, join and catching up take seconds on a slow machine. */
const START_MS_MAX = 60_000
/** Longer than a node waits for peers that pull its code, for what runs, and for peers that take its events and what became of others. */
const GIVE_AWAY_MS_MAX = 180_000
/** Longer than a node takes to finish what runs and hand over what waits. */
const STOP_MS_MAX = 30_000
const RESTART_MS_MIN = 1_000
const RESTART_MS_MAX = 30_000
/** One that served for so long starts anew with the shortest wait. */
const STEADY_MS = 60_000

export interface FrontsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** How a front is to start, but for the token. */
  readonly orders: readonly NodeOptions[]
  /** Makes an invite token for one node; one that is of the mesh already leaves it unused. */
  readonly invite: () => Promise<string>
  /** A start takes one for a second or two. */
  readonly cores: number
}

/** The processes of a machine's further fronts: started together, started again when one ends unasked, ended with the first front. */
export class Fronts {
  readonly #fronts: readonly Front[]
  readonly #startsAtOnce: number

  constructor(options: FrontsOptions) {
    this.#fronts = options.orders.map((order) => new Front(order, options))
    this.#startsAtOnce = Math.max(1, Math.floor(options.cores / 2))
  }

  /** Resolves when all serve. @throws PeerlessError UNAVAILABLE with the reason of the first that could not */
  async start(): Promise<void> {
    const left = [...this.#fronts]
    const oneByOne = async () => {
      for (let front = left.shift(); front !== undefined; front = left.shift()) await front.start()
    }
    await Promise.all(Array.from({ length: this.#startsAtOnce }, oneByOne))
  }

  /** Whether they take work; those that are started again, too. */
  setDraining(draining: boolean): void {
    for (const front of this.#fronts) front.setDraining(draining)
  }

  /** Has them give to others what was accepted there. Resolves with what only they have. @throws PeerlessError UNAVAILABLE when one does not say */
  async giveAway(): Promise<Left> {
    const left = await Promise.all(this.#fronts.map((front) => front.giveAway()))
    const sum = (what: keyof Left) => left.reduce((count, one) => count + one[what], 0)
    return { events: sum('events'), ends: sum('ends') }
  }

  /** They keep what they have, and take more, after all. */
  keep(): void {
    for (const front of this.#fronts) front.keep()
  }

  /** Lets them finish what runs; resolves when their processes have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#fronts.map((front) => front.stop()))
  }
}

class Front {
  readonly #order: NodeOptions
  readonly #o: FrontsOptions
  readonly #logger: Logger
  #child: ChildProcess | undefined
  #restart: Timer | undefined
  #waitMs = RESTART_MS_MIN
  #stopping = false
  #draining = false

  constructor(order: NodeOptions, options: FrontsOptions) {
    this.#order = order
    this.#o = options
    this.#logger = options.logger.child({ front: order.front?.number })
  }

  async start(): Promise<void> {
    const token = await this.#o.invite()
    // Told to stop meanwhile: nobody would end what is started now.
    if (this.#stopping) return
    // Its own process group: what a terminal sends to that of the first front is the first front's to pass on.
    const child = fork(ENTRY, [], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child = child
    const startedAt = this.#o.clock.monotonic()
    try {
      await this.#ready(child, { start: { ...this.#order, join: token } })
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
    if (this.#draining) this.#tell(child, { draining: true })
    // In the tick of its word, so that no end is missed.
    child.once('exit', (code, signal) => {
      if (this.#stopping) return
      if (this.#o.clock.monotonic() - startedAt > STEADY_MS) this.#waitMs = RESTART_MS_MIN
      this.#logger.error('a front ended and is started again', { code, signal, inMs: this.#waitMs })
      this.#again()
    })
  }

  setDraining(draining: boolean): void {
    this.#draining = draining
    const child = this.#child
    if (child?.connected === true) this.#tell(child, { draining })
  }

  giveAway(): Promise<Left> {
    const { number } = this.#order.front ?? { number: 0 }
    const child = this.#child
    const failed = (why: string) => new PeerlessError('UNAVAILABLE', `front ${number} did not give away what it has: ${why}`)
    if (child?.connected !== true) return Promise.reject(failed('it does not run just now'))
    return new Promise((resolve, reject) => {
      const timer = this.#o.clock.after(GIVE_AWAY_MS_MAX, () => reject(failed(`not within ${GIVE_AWAY_MS_MAX} ms`)))
      child.once('message', (alleged) => {
        timer.cancel()
        const message = fromFrontRule.safeParse(alleged)
        if (message.success && 'left' in message.data) resolve(message.data.left)
        else reject(failed(message.success && 'failed' in message.data ? message.data.failed : 'it says something else'))
      })
      child.once('exit', () => {
        timer.cancel()
        reject(failed('it ended'))
      })
      this.#tell(child, { giveAway: true })
    })
  }

  keep(): void {
    const child = this.#child
    if (child?.connected === true) this.#tell(child, { giveAway: false })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#restart?.cancel()
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const timer = this.#o.clock.after(STOP_MS_MAX, () => child.kill('SIGKILL'))
    this.#tell(child, { stop: true })
    await ended
    timer.cancel()
  }

  #again(): void {
    this.#restart = this.#o.clock.after(this.#waitMs, () => {
      this.start().catch((error) => {
        if (this.#stopping) return
        this.#logger.error('a front could not be started again', { reason: String(error), inMs: this.#waitMs })
        this.#again()
      })
    })
    this.#waitMs = Math.min(RESTART_MS_MAX, this.#waitMs * 2)
  }

  #ready(child: ChildProcess, order: ToFront): Promise<void> {
    const { number } = this.#order.front ?? { number: 0 }
    const failed = (why: string) => new PeerlessError('UNAVAILABLE', `front ${number} did not start: ${why}`)
    return new Promise((resolve, reject) => {
      const timer = this.#o.clock.after(START_MS_MAX, () => reject(failed(`it did not serve within ${START_MS_MAX} ms`)))
      child.once('message', (alleged) => {
        timer.cancel()
        const message = fromFrontRule.safeParse(alleged)
        if (!message.success) reject(failed('its first message is neither of the two that there are'))
        else if ('failed' in message.data) reject(failed(message.data.failed))
        else resolve()
      })
      // Kept: a channel that breaks later is no reason to end, and the end of the process is told by 'exit'.
      child.on('error', (error) => reject(failed(error.message)))
      child.once('exit', (code, signal) => {
        timer.cancel()
        reject(failed(`its process ended with ${signal ?? code}`))
      })
      this.#tell(child, order)
    })
  }

  #tell(child: ChildProcess, message: ToFront): void {
    // One that is gone has its end told by 'exit'.
    child.send(message, () => undefined)
  }
}
