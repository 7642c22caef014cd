import { type Clock, PeerlessError, type Timer } from '@peerless/interface'
import { HOLDER_TURNS_MAX, TURN_MS_MAX } from './constants.ts'

interface Waiting {
  readonly holder: string
  readonly grant: (turn: number) => void
  readonly ended: () => void
}

interface Line {
  /** Who has the turn now. */
  holder: string
  turn: number
  lease: Timer
  readonly ended: () => void
  readonly waiting: Waiting[]
}

/**
 * Whose turn it is, by key: one holder at a time, in the order in which they came. A turn is over when its holder says so, is gone, or has had it for
 * TURN_MS_MAX: nobody waits for a node that stands still.
 */
export class TurnKeeper {
  readonly #clock: Clock
  readonly #lines = new Map<string, Line>()
  /** Turns that each holder has or waits for. */
  readonly #counts = new Map<string, number>()
  #turn = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keys with a turn that is not over. */
  get size(): number {
    return this.#lines.size
  }

  /**
   * @param grant called once, now or later, with the number of the turn
   * @param ended called once when a turn that was granted is over
   * @returns what withdraws the wish; nothing once it was granted
   * @throws THROTTLED
   */
  take(key: string, holder: string, grant: (turn: number) => void, ended: () => void = () => undefined): () => void {
    const count = this.#counts.get(holder) ?? 0
    if (count >= HOLDER_TURNS_MAX)
      throw new PeerlessError(
        'THROTTLED',
        `node ${holder} has or waits for ${count} turns, at most ${HOLDER_TURNS_MAX}; try again`
      )
    this.#counts.set(holder, count + 1)
    const wish = { holder, grant, ended }
    const line = this.#lines.get(key)
    if (line === undefined) this.#grant(key, wish, [])
    else line.waiting.push(wish)
    return () => {
      const waiting = this.#lines.get(key)?.waiting
      const at = waiting?.indexOf(wish) ?? -1
      if (at < 0) return
      waiting?.splice(at, 1)
      this.#discount(holder)
    }
  }

  has(key: string, turn: number): boolean {
    return this.#lines.get(key)?.turn === turn
  }

  /** Nothing where that turn is over. */
  end(key: string, holder: string, turn: number): void {
    const line = this.#lines.get(key)
    if (line?.turn === turn && line.holder === holder) this.#next(key, line)
  }

  gone(holder: string): void {
    for (const [key, line] of [...this.#lines]) {
      const left = line.waiting.filter((wish) => wish.holder !== holder)
      line.waiting.splice(0, Infinity, ...left)
      if (line.holder === holder) this.#next(key, line)
    }
    this.#counts.delete(holder)
  }

  stop(): void {
    for (const { lease } of this.#lines.values()) lease.cancel()
    this.#lines.clear()
    this.#counts.clear()
  }

  #next(key: string, { holder, lease, ended, waiting }: Line): void {
    lease.cancel()
    ended()
    this.#discount(holder)
    const wish = waiting.shift()
    if (wish === undefined) this.#lines.delete(key)
    else this.#grant(key, wish, waiting)
  }

  #grant(key: string, { holder, grant, ended }: Waiting, waiting: Waiting[]): void {
    const turn = ++this.#turn
    const lease = this.#clock.after(TURN_MS_MAX, () => this.end(key, holder, turn))
    this.#lines.set(key, { holder, turn, lease, ended, waiting })
    grant(turn)
  }

  #discount(holder: string): void {
    const left = (this.#counts.get(holder) ?? 0) - 1
    if (left > 0) this.#counts.set(holder, left)
    else this.#counts.delete(holder)
  }
}
