import { EgressError } from './egress-error.ts'
import { PER_ACCOUNT_MAX, PER_FUNCTION_MAX, PER_INSTANCE_MAX, PER_NODE_MAX, WAITING_PER_INSTANCE_MAX } from './limits.ts'

/** Who asks. */
interface Asker {
  readonly account: string
  readonly functionName: string
  readonly instance: string
}

interface Claim {
  readonly instance: string
  /** Whose places it takes, with how many each has. */
  readonly takes: readonly (readonly [key: string, max: number])[]
  readonly begin: () => void
  state: 'waiting' | 'running' | 'over'
}

/** How many requests are on the wire: of an instance, a function, an account, this node. The others wait, first come first served. */
export class Places {
  readonly #running = new Map<string, number>()
  readonly #waitingOf = new Map<string, number>()
  readonly #waiting = new Set<Claim>()
  #total = 0

  get running(): number {
    return this.#total
  }

  /**
   * `begin` is called now or when there is a place.
   * @returns gives the place, or the wait for it, back
   * @throws EgressError when too many of the instance wait
   */
  take({ account, functionName, instance }: Asker, begin: () => void): () => void {
    const takes = [
      [`i ${instance}`, PER_INSTANCE_MAX],
      [`f ${account} ${functionName}`, PER_FUNCTION_MAX],
      [`a ${account}`, PER_ACCOUNT_MAX]
    ] as const
    const claim: Claim = { instance, takes, begin, state: 'waiting' }
    if (this.#hasRoom(claim)) this.#start(claim)
    else {
      const waiting = this.#waitingOf.get(instance) ?? 0
      if (waiting >= WAITING_PER_INSTANCE_MAX) {
        throw new EgressError(
          'concurrency',
          `${PER_INSTANCE_MAX} requests of this instance are under way and ${waiting} wait, at most ${WAITING_PER_INSTANCE_MAX}`
        )
      }
      this.#waitingOf.set(instance, waiting + 1)
      this.#waiting.add(claim)
    }
    return () => this.#giveBack(claim)
  }

  #hasRoom({ takes }: Claim): boolean {
    return this.#total < PER_NODE_MAX && takes.every(([key, max]) => (this.#running.get(key) ?? 0) < max)
  }

  #start(claim: Claim): void {
    claim.state = 'running'
    this.#total++
    for (const [key] of claim.takes) add(this.#running, key, 1)
    claim.begin()
  }

  #giveBack(claim: Claim): void {
    const before = claim.state
    claim.state = 'over'
    if (before === 'waiting') {
      this.#waiting.delete(claim)
      add(this.#waitingOf, claim.instance, -1)
    }
    if (before !== 'running') return
    this.#total--
    for (const [key] of claim.takes) add(this.#running, key, -1)
    for (const next of this.#waiting) {
      if (!this.#hasRoom(next)) continue
      this.#waiting.delete(next)
      add(this.#waitingOf, next.instance, -1)
      this.#start(next)
      return
    }
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
