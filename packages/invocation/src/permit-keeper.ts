import { type Clock, type IncomingRequest, type Logger, MESSAGE, type Mesh } from '@peerless/interface'
import { PERMIT_FUNCTIONS_MAX, PERMITS_MAX, RECALL_ANSWER_MS_MAX } from './constants.ts'
import { type Mark, PermitBook, type Recalled } from './permit-book.ts'
import { countFromWire, nameFromWire, recalledFromWire, takeChecked } from './permit-message.ts'

const NOTHING = new Uint8Array(0)
/** Rounds of asking holders, for one who wants permits: the first may have been begun for another. */
const RECALLS_MAX = 3

/** One round in which holders are asked for what they do not use. */
interface Recall {
  open: number
  readonly ended: (() => void)[]
}

/** Keeps the count of permits of those functions that this node is the home of, and asks holders for what they do not use before it refuses. */
export class PermitKeeper {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #logger: Logger
  /** What this node itself gives back when it is asked. */
  readonly #ownIdle: (name: string, count: number) => Recalled
  readonly #book = new PermitBook(PERMIT_FUNCTIONS_MAX)
  readonly #recalls = new Map<string, Recall>()
  /** How often a peer went away: an answer to what it asked before is not its any more. */
  readonly #departures = new Map<string, number>()

  constructor(
    { mesh, clock, logger }: { mesh: Mesh; clock: Clock; logger: Logger },
    ownIdle: (name: string, count: number) => Recalled
  ) {
    this.#mesh = mesh
    this.#clock = clock
    this.#logger = logger
    this.#ownIdle = ownIdle
  }

  start(): void {
    this.#mesh.handle(MESSAGE.RESERVE, (peerId, request) => this.#onReserve(peerId, request))
  }

  /** What a node that went away held, nobody holds. */
  gone(peerId: string): void {
    this.#book.gone(peerId)
    this.#departures.set(peerId, this.#departuresOf(peerId) + 1)
  }

  /** @param change below zero where permits come back */
  add(name: string, holder: string, change: number): void {
    this.#book.add(name, holder, change)
  }

  /** @param answered told how many of `count` it has now, at once or after holders were asked; not at all when it went away */
  grant(holder: string, name: string, reserved: number, count: number, answered: (granted: number) => void): void {
    const departures = this.#departuresOf(holder)
    const attempt = (turn: number) => {
      const missing = count - Math.max(0, reserved - this.#book.held(name))
      const from = missing > 0 && turn <= RECALLS_MAX ? this.#book.recallable(name, holder) : []
      // Booked in the moment in which it is answered: what a holder says of itself in between leaves nothing out.
      if (from.length === 0) answered(this.#book.grant(name, reserved, holder, count))
      else
        this.#recall(name, from, missing, () => {
          if (departures === this.#departuresOf(holder)) attempt(turn + 1)
        })
    }
    attempt(1)
  }

  /** Where one is under way its end is this one's end, too: what it brings may be enough for both. */
  #recall(name: string, holders: readonly string[], count: number, ended: () => void): void {
    const running = this.#recalls.get(name)
    if (running !== undefined) {
      running.ended.push(ended)
      return
    }
    const recall: Recall = { open: holders.length, ended: [ended] }
    this.#recalls.set(name, recall)
    const over = () => {
      if (this.#recalls.get(name) !== recall) return
      timer.cancel()
      this.#recalls.delete(name)
      for (const end of recall.ended) end()
    }
    const timer = this.#clock.after(RECALL_ANSWER_MS_MAX, over)
    const one = (holder: string, answer: Recalled | undefined, asked: Mark) => {
      if (answer !== undefined) this.#book.recalled(name, holder, answer, asked)
      if (--recall.open === 0) over()
    }
    for (const holder of holders) {
      const asked = this.#book.mark(name, holder)
      if (holder === this.#mesh.peerId) {
        one(holder, this.#ownIdle(name, count), asked)
        continue
      }
      const departures = this.#departuresOf(holder)
      this.#mesh.request(holder, MESSAGE.RESERVE_RECALL, [name, count], NOTHING, (_error, reply) => {
        // Of one that went away nothing is counted any more.
        const counts = reply !== undefined && departures === this.#departuresOf(holder)
        one(holder, counts ? recalledFromWire(reply.header, count) : undefined, asked)
      })
    }
  }

  #onReserve(peerId: string, request: IncomingRequest): void {
    takeChecked(peerId, request, this.#logger, ([alleged, reserved, count, held]) => {
      const name = nameFromWire(alleged)
      if (reserved === 0) {
        this.#book.add(name, peerId, countFromWire(count, -PERMITS_MAX))
        request.reply(0)
        return
      }
      const wanted = countFromWire(count, 1)
      const most = countFromWire(reserved, 1)
      this.#book.says(name, peerId, countFromWire(held, 0))
      this.grant(peerId, name, most, wanted, (granted) => request.reply(granted))
    })
  }

  #departuresOf(peerId: string): number {
    return this.#departures.get(peerId) ?? 0
  }
}
