import type { Clock, Invocation, Logger, Outcome, Random } from '@peerless/interface'
import { type Launchable, launchAhead } from './launch-ahead.ts'
import { WarmKeeper, type WarmOrder } from './warm-keeper.ts'
import { WarmDemand, type WarmTarget } from './warm-target.ts'

/** Revisions whose calls are remembered; the one that was called longest ago is forgotten first. */
const REVISIONS_MAX = 1_000
/** A revision that could not be started ahead, or whose instance ended badly, is left alone for so long: its author sees the error with the next call. */
const FAILED_MS = 60_000
/** Of the instances that a node may have busy, so many at most are being started ahead: what nobody has asked for must not be in the way. */
const AHEAD_SHARE = 1 / 4
/** What is never called is forgotten: a day covers work that comes once a day, and its next time. */
const FORGET_MS = 2 * 86_400_000

export interface PrewarmerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly instancesMax: number
  /** Instances of a revision that are there or being started. */
  readonly present: (revisionId: string) => number
  /** Whether there is room for one more that nobody has asked for. */
  readonly room: () => boolean
  /** Makes an instance; the outcome is a refusal where it could be made and nothing was to be run. */
  readonly launch: (order: Invocation, done: (outcome: Outcome) => void) => void
  /** Whether calls of it may still come: see InstancesOptions. */
  readonly isDeployed?: ((of: Launchable) => boolean) | undefined
}

interface Known {
  readonly demand: WarmDemand
  readonly of: Launchable
  lastAt: number
  notBefore: number
  target: WarmTarget
}

/** Prepares instances before they are asked for, where the history of calls says that they will be. */
export class Prewarmer {
  readonly #options: PrewarmerOptions
  readonly #known = new Map<string, Known>()
  readonly #provisioned: WarmKeeper
  /** Revisions of which one is being started because it was missed. */
  readonly #missed = new Set<string>()
  /** Launches of its own that have not ended. */
  #launching = 0

  constructor(options: PrewarmerOptions) {
    this.#options = options
    this.#provisioned = new WarmKeeper(options)
  }

  /** Instances that are to be there ahead of calls whatever their history, until it is told anew. */
  provision(orders: readonly WarmOrder[]): void {
    this.#provisioned.keep(orders)
  }

  /** By revision: so many idle instances are not taken away for their age. */
  get kept(): ReadonlyMap<string, WarmOrder> {
    return this.#provisioned.kept
  }

  /**
   * A call asked for an idle instance in vain, or calls go to peers that could run here: starts one, unless that is being done, there is little room, or the last of it
   * ended badly a moment ago.
   */
  missed({ functionName, account, version }: Launchable): void {
    const { revisionId } = version
    if (!this.#isDeployed({ functionName, account, version })) return
    const known = this.#remember({ functionName, account, version })
    if (this.#missed.has(revisionId) || this.#options.clock.monotonic() < known.notBefore || !this.#hasRoom()) return
    this.#missed.add(revisionId)
    this.#launch(known, () => this.#missed.delete(revisionId))
  }

  /** @param atOnce calls of this revision that run now, this one included */
  arrived(call: Invocation, atOnce: number): void {
    const known = this.#remember(call)
    known.demand.arrived(known.lastAt, atOnce)
  }

  #remember({ functionName, account, version }: Launchable): Known {
    const now = this.#options.clock.monotonic()
    let known = this.#known.get(version.revisionId)
    if (known === undefined) {
      if (this.#known.size >= REVISIONS_MAX) this.#forgetOldest()
      known = {
        demand: new WarmDemand(now),
        of: { functionName, account, version },
        lastAt: now,
        notBefore: 0,
        target: { instances: 0, reason: 'none' }
      }
      this.#known.set(version.revisionId, known)
    }
    known.lastAt = now
    return known
  }

  /**
   * A call ended.
   * @param durationMs as the executor says; no more than the function may take is believed
   * @param well whether its instance can be used again
   */
  ended(revisionId: string, durationMs: number, well: boolean): void {
    const known = this.#known.get(revisionId)
    if (known === undefined) return
    if (well) known.demand.served(Math.min(durationMs, known.of.version.timeoutSeconds * 1_000))
    else known.notBefore = this.#options.clock.monotonic() + FAILED_MS
  }

  /** Mean run time of a revision in milliseconds; undefined before the first answer. */
  serviceMs(revisionId: string): number | undefined {
    return this.#known.get(revisionId)?.demand.serviceMs
  }

  /** No more instances of this revision are wanted. */
  forget(revisionId: string): void {
    this.#known.delete(revisionId)
  }

  /** Once a second. */
  tick(): void {
    const { clock, instancesMax, present } = this.#options
    const now = clock.monotonic()
    for (const [revisionId, known] of this.#known) {
      if (now - known.lastAt > FORGET_MS) this.#known.delete(revisionId)
      if (now < known.notBefore) continue
      const before = known.target
      known.target = known.demand.target(now, instancesMax)
      const missing = known.target.instances - present(revisionId)
      if (missing <= 0) continue
      // Nobody calls it any more: its code, a harmful one that was just replaced perhaps, must not be begun for that.
      if (!this.#isDeployed(known.of)) {
        this.#known.delete(revisionId)
        continue
      }
      if (before.reason !== known.target.reason) this.#say(known, missing)
      for (let count = 0; count < missing && this.#hasRoom(); count++) this.#launch(known)
    }
  }

  #isDeployed(of: Launchable): boolean {
    return this.#options.isDeployed?.(of) ?? true
  }

  #hasRoom(): boolean {
    return this.#launching < Math.max(1, this.#options.instancesMax * AHEAD_SHARE) && this.#options.room()
  }

  #launch(known: Known, ended?: () => void): void {
    const { random, clock, launch } = this.#options
    this.#launching++
    launch(launchAhead(known.of, random.uuid()), (outcome) => {
      this.#launching--
      ended?.()
      if (outcome.status !== 'refused') known.notBefore = clock.monotonic() + FAILED_MS
    })
  }

  #say({ of, target }: Known, missing: number): void {
    this.#options.logger.debug('instances are prepared ahead', {
      function: of.functionName,
      reason: target.reason,
      wanted: target.instances,
      missing
    })
  }

  #forgetOldest(): void {
    let oldest: string | undefined
    let oldestAt = Number.POSITIVE_INFINITY
    for (const [revisionId, { lastAt }] of this.#known) {
      if (lastAt >= oldestAt) continue
      oldest = revisionId
      oldestAt = lastAt
    }
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
