import type { Clock } from '@peerless/interface'
import { ASK_IDS_MAX, FENCE_MS, RECOVER_MS_MAX } from './constants.ts'
import { KNOWLEDGE } from './messages.ts'
import type { OwnedEvent } from './owned-event.ts'
import type { Owner } from './owner.ts'
import type { PeerQuestions } from './peer-questions.ts'

const NOT_MINE: ReadonlySet<number> = new Set([
  KNOWLEDGE.OWNED_WITH_YOU,
  KNOWLEDGE.OWNED_WITHOUT_YOU,
  KNOWLEDGE.HELD_FOR_ANOTHER,
  KNOWLEDGE.SETTLED
])

/**
 * After a start, or a sleep longer than the lease, this node cannot know whether what it owned is still its own: it asks before it runs any of it again.
 * Holders that are not connected are waited for, but not for ever: if they are gone for good, this node is the only one that has the events.
 */
export class Recovery {
  readonly #owner: Owner
  readonly #questions: PeerQuestions
  readonly #connected: () => readonly string[]
  #pending: Set<OwnedEvent> = new Set()
  #until = 0
  #asking = false
  /** What is pending was running before: not after a start, when it waits by itself and new events need not. */
  #slept = false
  readonly #clock: Clock
  /** Monotonic and wall time of the last tick: a suspended machine stops the one, a stopped process neither. */
  #tickedAt: readonly [number, number]

  constructor(options: { owner: Owner; questions: PeerQuestions; connected: () => readonly string[]; clock: Clock }) {
    this.#owner = options.owner
    this.#questions = options.questions
    this.#connected = options.connected
    this.#clock = options.clock
    this.#tickedAt = [this.#clock.monotonic(), this.#clock.now()]
  }

  /** This node may not own what it thinks it owns: it begins and ends nothing. */
  get fenced(): boolean {
    return (this.#slept && this.#pending.size > 0) || this.asleep
  }

  /** Once per tick: true when so much time has passed since the last one that a holder may have taken over. */
  slept(): boolean {
    const slept = this.asleep
    this.#slept = slept || (this.#slept && this.#pending.size > 0)
    this.#tickedAt = [this.#clock.monotonic(), this.#clock.now()]
    return slept
  }

  /** This node stood still until a moment ago, and has not made its next tick: what it has not heard meanwhile says nothing of the others. */
  get asleep(): boolean {
    const [monotonic, wall] = this.#tickedAt
    return this.#clock.monotonic() - monotonic > FENCE_MS || this.#clock.now() - wall > FENCE_MS
  }

  begin(events: Iterable<OwnedEvent>, now: number): void {
    for (const owned of events) if (owned.phase !== 'storing' && owned.phase !== 'gone') this.#pending.add(owned)
    this.#until = now + RECOVER_MS_MAX
  }

  /** Calls `mine` for each event that is still this node's; the others are forgotten. */
  async step(now: number, mine: (owned: OwnedEvent) => void): Promise<void> {
    if (this.#asking || this.#pending.size === 0) return
    const connected = new Set(this.#connected())
    const late = now >= this.#until
    const page: OwnedEvent[] = []
    for (const owned of this.#pending) {
      if (page.length >= ASK_IDS_MAX) break
      if (late || owned.holders.every((peerId) => connected.has(peerId))) page.push(owned)
    }
    if (page.length === 0) return
    this.#asking = true
    try {
      const answers = await this.#questions.knowledge(page.map(({ id }) => id))
      for (const [index, owned] of page.entries()) {
        this.#pending.delete(owned)
        if (owned.phase === 'gone') continue
        if (answers.some(({ codes }) => NOT_MINE.has(codes[index] as number))) this.#owner.forget(owned, 'yielded')
        else mine(owned)
      }
    } finally {
      this.#asking = false
    }
  }
}
