import { TICK_MS } from './constants.ts'
import type { Ends } from './ends.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Holders } from './holders.ts'
import type { Holding } from './holding.ts'
import type { QueueOptions } from './options.ts'
import type { OwnedEvent } from './owned-event.ts'
import type { Owner } from './owner.ts'

/** How long a node that goes for good looks for somebody who takes its events: longer than the lease of an owner that has just died takes to end. */
const HAND_OVER_MS_MAX = 20_000
/** How long a holder is waited for that is to take what is handed over, and ends that are being written before that. */
const RELEASE_MS_MAX = 2_000
/** Until the instances of this node are ended, when it stops, and when it says to all others first that it leaves: the next attempt of what runs in them comes after that. */
const STOPPED_MS_MAX = 3_000
const LEFT_MS_MAX = 30_000
/** Phases of an event that is not accepted yet, that may be another's, or that is over but for the writing. */
const NOT_TO_GIVE: ReadonlySet<OwnedEvent['phase']> = new Set(['storing', 'limbo', 'settling'])

/** What only this node has. */
export interface Left {
  readonly events: number
  /** Results and dead letters, at least. */
  readonly ends: number
}

export interface HandOverParts {
  readonly ends: Ends
  readonly owner: Owner
  readonly holders: Holders
  readonly holding: Holding
  readonly commits: GroupCommit
}

/** Gives the events of a node that stops, or goes for good, to those that have copies of them. */
export class HandOver {
  readonly #o: Pick<QueueOptions, 'mesh' | 'clock' | 'awayMs'>
  readonly #parts: HandOverParts

  constructor(options: Pick<QueueOptions, 'mesh' | 'clock' | 'awayMs'>, parts: HandOverParts) {
    this.#o = options
    this.#parts = parts
  }

  /** Before a stop: as far as anybody takes it within a few seconds. */
  async some(): Promise<void> {
    await this.#settled()
    await this.#release(STOPPED_MS_MAX)
  }

  /** Before this node goes for good. Resolves with what only it has. */
  async all(): Promise<Left> {
    const { mesh, clock } = this.#o
    const { owner, holders, holding, commits } = this.#parts
    holders.leaving(true)
    holding.closed = true
    owner.thickenOutside()
    const until = clock.monotonic() + HAND_OVER_MS_MAX
    for (;;) {
      if (this.#isHeld()) {
        await this.#settled()
        const refused = await this.#release(LEFT_MS_MAX)
        if (owner.count === 0) break
        for (const holder of refused) owner.abandon(holder)
      }
      if (mesh.peers().length === 0 || clock.monotonic() > until) break
      await this.#look()
    }
    await commits.flush()
    const events = owner.count + holding.copies.ofOthersThan(mesh.peers())
    // Of what has not ended yet there is no end to give.
    return { events, ends: events > 0 ? 0 : await this.#parts.ends.give() }
  }

  /** It stays after all. */
  undo(): void {
    this.#parts.holders.leaving(false)
    this.#parts.holding.closed = false
  }

  /** Whether all that this node has to answer for is on the disk of a peer, too. */
  #isHeld(): boolean {
    const { owner, holders, holding } = this.#parts
    if (owner.arriving > 0 || owner.copying > 0) return false
    if (holding.copies.ofOthersThan(this.#o.mesh.peers()) > 0) return false
    for (const owned of owner.all())
      if (holders.outside(owned.holders) === undefined || NOT_TO_GIVE.has(owned.phase)) return false
    return true
  }

  /** Waits for the ends that are being written, and until holders know of them: what they do not know to be over they would run again. */
  async #settled(): Promise<void> {
    const { clock } = this.#o
    const { owner, holders } = this.#parts
    const until = clock.monotonic() + RELEASE_MS_MAX
    while (owner.isSettling && clock.monotonic() < until) await this.#look()
    await holders.tellEnds(Math.max(0, until - clock.monotonic()))
  }

  /**
   * Who leaves in order lets nobody wait for a lease. Resolves with the holders that did not take what was theirs.
   * @param endMs for how long attempts of this node may run on
   */
  async #release(endMs: number): Promise<string[]> {
    const { owner, holders } = this.#parts
    const held = [...owner.all()].filter((owned) => owned.holders.length > 0 && !NOT_TO_GIVE.has(owned.phase))
    for (const owned of held) if (owned.phase === 'running') this.#again(owned, endMs)
    // What is on another machine is safe from this one's loss.
    const byHolder = Map.groupBy(held, (owned) => holders.outside(owned.holders) ?? (owned.holders[0] as string))
    return (await Promise.all([...byHolder].map(([holder, events]) => this.#releaseTo(holder, events)))).flat()
  }

  /** Holders hear of an attempt when it has ended. Of one that is cut off here they have to hear now: or the next one would pass for the first, and run beside it. */
  #again(owned: OwnedEvent, endMs: number): void {
    const { clock, awayMs } = this.#o
    const overMs = Math.max(endMs, awayMs?.(owned.id) ?? 0)
    owned.notBefore = Math.max(owned.notBefore, clock.now() + overMs)
    this.#parts.owner.changed(owned)
  }

  #releaseTo(holder: string, events: readonly OwnedEvent[]): Promise<string[]> {
    return new Promise((resolve) => {
      const timer = this.#o.clock.after(RELEASE_MS_MAX, () => resolve([holder]))
      this.#parts.holders.link(holder).release(
        events.map(({ id }) => id),
        (taken) => {
          timer.cancel()
          if (taken) for (const owned of events) this.#parts.owner.forget(owned, 'yielded')
          resolve(taken ? [] : [holder])
        }
      )
    })
  }

  async #look(): Promise<void> {
    await new Promise<void>((resolve) => this.#o.clock.after(TICK_MS, resolve))
  }
}
