import {
  type Clock,
  type FunctionRecord,
  type IncomingRequest,
  type Logger,
  MESSAGE,
  type Mesh,
  type OnAnswer,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import { rendezvousOwner } from '@peerless/routing'
import { PERMIT_ANSWER_MS_MAX, PERMIT_IDLE_MS, RETRY_AFTER_MS } from './constants.ts'
import type { Recalled } from './permit-book.ts'
import { PermitKeeper } from './permit-keeper.ts'
import { answerFromWire, countFromWire, nameFromWire, takeChecked } from './permit-message.ts'
import { Permits } from './permits.ts'

const NOTHING = new Uint8Array(0)
const NONE: Recalled = { back: 0, owed: 0, held: 0 }
/** Asked again where the one that keeps the count went away meanwhile. */
const HOMES_ASKED_MAX = 3

/**
 * Calls at once of functions that have reserved concurrency: never more in the whole mesh than are reserved, and all of them by whichever node they come. A call needs a
 * permit. One node keeps the count of a function, its home: the first of its rendezvous order among those that are connected; the others ask it, and keep what they got
 * for a second. Where nodes see different ones (a partition, a node that is just coming) each part counts for itself.
 */
export class ReservedConcurrency {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #keeper: PermitKeeper
  /** Only functions with calls under way, or permits of a moment ago. */
  readonly #permits = new Map<string, Permits>()
  #sweep: Timer | undefined

  constructor(options: { mesh: Mesh; clock: Clock; logger: Logger }) {
    this.#mesh = options.mesh
    this.#clock = options.clock
    this.#logger = options.logger
    this.#keeper = new PermitKeeper(options, (name, count) => this.#recalled(name, count))
  }

  start(): void {
    this.#keeper.start()
    this.#mesh.handle(MESSAGE.RESERVE_RECALL, (peerId, request) => this.#onRecall(peerId, request))
    this.#mesh.onPeer((peerId, connected) => {
      if (!connected) this.#keeper.gone(peerId)
      this.#move()
    })
    this.#sweep = this.#clock.every(PERMIT_IDLE_MS, () => this.#giveIdleBack())
  }

  /** Nobody waits for a node that is gone. */
  stop(): void {
    this.#sweep?.cancel()
    for (const permits of this.#permits.values()) for (const answer of permits.granted(0, permits.waiting)) answer()
  }

  /**
   * Asks for a permit.
   * @param begin told once, now or later: what to call instead of `done`, so that the permit is given back; undefined when there is none
   */
  enter({ name }: FunctionRecord, reserved: number, done: OnAnswer, begin: (done: OnAnswer | undefined) => void): void {
    if (reserved === 0) {
      begin(undefined)
      return
    }
    let permits = this.#permits.get(name)
    if (permits === undefined) {
      permits = new Permits(name, this.#homeOf(name), reserved)
      this.#permits.set(name, permits)
    }
    // What was granted under the larger number has to be counted anew.
    if (reserved < permits.reserved) this.#tell(permits.home, name, -permits.recall(permits.held).back)
    permits.reserved = reserved
    const of = permits
    const answer = (granted: boolean) => begin(granted ? this.#leaving(of, done) : undefined)
    if (permits.take()) {
      answer(true)
      return
    }
    permits.wait(answer)
    this.#ask(permits, 1)
  }

  #leaving(permits: Permits, done: OnAnswer): OnAnswer {
    return (error, answer) => {
      this.#tell(permits.home, permits.name, -permits.left())
      this.#forgetUnused(permits)
      done(error, answer)
    }
  }

  #ask(permits: Permits, turn: number): void {
    if (permits.asking || permits.waiting === 0) return
    const { name, home, reserved, held, waiting: count } = permits
    permits.asking = true
    let late = false
    const timer = this.#clock.after(PERMIT_ANSWER_MS_MAX, () => {
      late = true
      this.#settle(permits, 0, count)
    })
    const answered = (granted: number | undefined) => {
      timer.cancel()
      // It may be heard here first that the home is gone.
      if (granted === undefined) this.#move()
      if (late) this.#tell(home, name, -(granted ?? 0))
      else if (granted === undefined && turn < HOMES_ASKED_MAX && permits.home !== home) {
        permits.asking = false
        this.#ask(permits, turn + 1)
      } else {
        // They were counted where the count was kept when it was asked.
        if (permits.home !== home && granted !== undefined) {
          this.#tell(home, name, -granted)
          this.#tell(permits.home, name, granted)
        }
        this.#settle(permits, granted ?? 0, count)
      }
    }
    if (home === this.#mesh.peerId) this.#keeper.grant(home, name, reserved, count, answered)
    else
      this.#mesh.request(home, MESSAGE.RESERVE, [name, reserved, count, held], NOTHING, (_error, reply) =>
        answered(reply === undefined ? undefined : answerFromWire(reply.header, count))
      )
  }

  #settle(permits: Permits, granted: number, asked: number): void {
    permits.asking = false
    for (const answer of permits.granted(granted, asked)) answer()
    this.#tell(permits.home, permits.name, -permits.payOwed())
    this.#ask(permits, 1)
    this.#forgetUnused(permits)
  }

  /** Others want some of what this node holds. */
  #recalled(name: string, count: number): Recalled {
    const permits = this.#permits.get(name)
    if (permits === undefined) return NONE
    const answer = permits.recall(count)
    this.#forgetUnused(permits)
    return answer
  }

  #giveIdleBack(): void {
    for (const permits of [...this.#permits.values()]) {
      this.#tell(permits.home, permits.name, -permits.takeIdle())
      this.#forgetUnused(permits)
    }
  }

  /** Nodes came or went: what is held is counted where it is to be counted now. */
  #move(): void {
    for (const permits of this.#permits.values()) {
      const home = this.#homeOf(permits.name)
      if (home === permits.home) continue
      this.#tell(permits.home, permits.name, -permits.held)
      permits.home = home
      this.#tell(home, permits.name, permits.held)
    }
  }

  #tell(home: string, name: string, change: number): void {
    if (change === 0) return
    if (home === this.#mesh.peerId) this.#keeper.add(name, home, change)
    // Where there is no connection any more, nothing is counted any more.
    else this.#mesh.request(home, MESSAGE.RESERVE, [name, 0, change], NOTHING, () => undefined)
  }

  #forgetUnused(permits: Permits): void {
    if (permits.unused && this.#permits.get(permits.name) === permits) this.#permits.delete(permits.name)
  }

  #homeOf(name: string): string {
    return rendezvousOwner(name, [this.#mesh.peerId, ...this.#mesh.peers()])
  }

  #onRecall(peerId: string, request: IncomingRequest): void {
    takeChecked(peerId, request, this.#logger, ([alleged, count]) => {
      const name = nameFromWire(alleged)
      const wanted = countFromWire(count, 1)
      // Whoever does not keep the count of what is held here has no claim to it.
      const { back, owed, held } = this.#permits.get(name)?.home === peerId ? this.#recalled(name, wanted) : NONE
      request.reply([back, owed, held])
    })
  }
}

/** Lambda's own words. */
export function overReserved(): PeerlessError {
  return new PeerlessError('THROTTLED', 'Rate Exceeded.', {
    detail: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterMs: RETRY_AFTER_MS }
  })
}
