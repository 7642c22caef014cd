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
import { PERMIT_ANSWER_MS_MAX, PERMIT_IDLE_MS, RECALL_ANSWER_MS_MAX, RETRY_AFTER_MS } from './constants.ts'
import { PermitKeeper } from './permit-keeper.ts'
import { answerFromWire, CHANGES, countFromWire, HOLDS, nameFromWire, takeChecked } from './permit-message.ts'
import { Permits, type Verdict } from './permits.ts'

const NOTHING = new Uint8Array(0)
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
    this.#keeper = new PermitKeeper(options, (name, count) => this.#recalled(options.mesh.peerId, name, count))
  }

  start(): void {
    this.#keeper.start()
    this.#mesh.handle(MESSAGE.RESERVE_RECALL, (peerId, request) => this.#onRecall(peerId, request))
    this.#mesh.onPeer((peerId, connected) => {
      if (!connected) this.#keeper.gone(peerId)
      this.#move()
    })
    this.#sweep = this.#clock.every(PERMIT_IDLE_MS, () => this.#refresh())
  }

  /** Nobody waits for a node that is gone. */
  stop(): void {
    this.#sweep?.cancel()
    for (const permits of this.#permits.values()) for (const answer of permits.unanswered(permits.waiting)) answer()
  }

  /**
   * Asks for a permit.
   * @param begin told once, now or later: what to call instead of `done`, so that the permit is given back; or why there is none
   */
  enter({ name }: FunctionRecord, reserved: number, done: OnAnswer, begin: (leave: OnAnswer | PeerlessError) => void): void {
    if (reserved === 0) {
      begin(overReserved())
      return
    }
    const permits = this.#permits.get(name) ?? new Permits(name, this.#homeOf(name), reserved)
    this.#permits.set(name, permits)
    // What was granted under the larger number has to be counted anew.
    if (reserved < permits.reserved) this.#tell(permits.home, name, -permits.recall(permits.held).back)
    permits.reserved = reserved
    const answer = (verdict: Verdict) =>
      begin(verdict === 'granted' ? this.#leaving(permits, done) : verdict === 'refused' ? overReserved() : uncounted())
    if (permits.take()) answer('granted')
    else if (permits.silent) answer('unknown')
    else {
      permits.wait(answer)
      this.#ask(permits, 1)
    }
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
    const { name, home, reserved, waiting: count } = permits
    permits.asking = true
    const timer = this.#clock.after(PERMIT_ANSWER_MS_MAX, () => {
      permits.silent = true
      this.#logger.warn('the node that keeps the count of a reserved concurrency does not answer', { function: name, node: home })
      for (const answer of permits.unanswered(permits.waiting)) answer()
    })
    const answered = (granted: number | undefined) => {
      timer.cancel()
      permits.asking = false
      permits.silent = false
      if (granted === undefined) {
        // It may be heard here first that the home is gone.
        this.#move()
        if (permits.home !== home && turn < HOMES_ASKED_MAX) this.#ask(permits, turn + 1)
        else this.#settle(permits, permits.unanswered(count))
        return
      }
      // They were counted where the count was kept when it was asked.
      if (permits.home !== home) {
        this.#tell(home, name, -granted)
        this.#tell(permits.home, name, granted)
      }
      this.#settle(permits, permits.granted(granted, count))
    }
    if (home === this.#mesh.peerId) this.#keeper.grant(home, name, reserved, count, answered)
    else
      this.#mesh.request(home, MESSAGE.RESERVE, [name, reserved, count], NOTHING, (_error, reply) =>
        answered(reply === undefined ? undefined : answerFromWire(reply.header, count))
      )
  }

  #settle(permits: Permits, answers: readonly (() => void)[]): void {
    for (const answer of answers) answer()
    this.#tell(permits.home, permits.name, -permits.payOwed())
    this.#ask(permits, 1)
    this.#forgetUnused(permits)
  }

  /** Others want some of what this node holds and `home` counts. */
  #recalled(home: string, name: string, count: number): { back: number; owed: number } {
    const permits = this.#permits.get(name)
    if (permits?.home !== home) return { back: 0, owed: 0 }
    const answer = permits.recall(count)
    this.#forgetUnused(permits)
    return answer
  }

  /** Gives back what nobody used, and says what is left: what was said before may have been lost. */
  #refresh(): void {
    for (const permits of [...this.#permits.values()]) {
      const { name, home, asking } = permits
      this.#tell(home, name, -permits.takeIdle())
      if (!asking && permits.held > 0 && home !== this.#mesh.peerId) this.#say(home, [name, HOLDS, permits.held])
      this.#forgetUnused(permits)
    }
  }

  /** Nodes came or went: what is held is counted where it is to be counted now. */
  #move(): void {
    for (const permits of this.#permits.values()) {
      const home = this.#homeOf(permits.name)
      const { home: before, name, held } = permits
      if (home === before) continue
      // First: what comes free where it was counted may be granted to a call that waits here, at once.
      permits.home = home
      this.#tell(before, name, -held)
      this.#tell(home, name, held)
    }
  }

  #tell(home: string, name: string, change: number): void {
    if (change === 0) return
    if (home === this.#mesh.peerId) this.#keeper.add(name, home, change)
    else this.#say(home, [name, CHANGES, change])
  }

  /** To another node. Where there is no connection any more, nothing is counted any more. */
  #say(home: string, header: [name: string, what: number, count: number]): void {
    this.#mesh.request(home, MESSAGE.RESERVE, header, NOTHING, () => undefined)
  }

  /**
   * Before the answer to what another node asked. One that does not say that it has heard it waits no longer for the answer either.
   * @param done when it has heard it, or never will
   */
  #sayFirst(home: string, header: [name: string, what: number, count: number], done: () => void): void {
    const timer = this.#clock.after(RECALL_ANSWER_MS_MAX, () => cancel())
    const cancel = this.#mesh.request(home, MESSAGE.RESERVE, header, NOTHING, () => {
      timer.cancel()
      done()
    })
  }

  #forgetUnused(permits: Permits): void {
    if (permits.unused && this.#permits.get(permits.name) === permits) this.#permits.delete(permits.name)
  }

  #homeOf(name: string): string {
    return rendezvousOwner(name, [this.#mesh.peerId, ...this.#mesh.peers()])
  }

  /** Answered when the other has heard what comes of it: see permit-message.ts. */
  #onRecall(peerId: string, request: IncomingRequest): void {
    takeChecked(peerId, request, this.#logger, ([alleged, count]) => {
      const name = nameFromWire(alleged)
      const wanted = countFromWire(count, 1)
      if (this.#permits.get(name)?.home !== peerId) {
        // Nothing that is held here is counted there.
        this.#sayFirst(peerId, [name, HOLDS, 0], () => request.reply(0))
        return
      }
      const { back, owed } = this.#recalled(peerId, name, wanted)
      // Also where that is nothing: what was given back before is there then, too.
      this.#sayFirst(peerId, [name, CHANGES, -back], () => request.reply(owed > 0 ? 1 : 0))
    })
  }
}

function uncounted(): PeerlessError {
  return new PeerlessError('UNAVAILABLE', 'the calls of this function are counted by a node that does not answer; try again', {
    detail: { retryAfterMs: RETRY_AFTER_MS }
  })
}

/** Lambda's own words. */
function overReserved(): PeerlessError {
  return new PeerlessError('THROTTLED', 'Rate Exceeded.', {
    detail: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterMs: RETRY_AFTER_MS }
  })
}
