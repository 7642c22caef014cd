import { type Clock, type IncomingRequest, type Logger, MESSAGE, type Mesh, PEER_SILENT_MS_MIN } from '@peerless/interface'
import { PERMIT_FUNCTIONS_MAX, PERMIT_IDLE_MS, PERMITS_MAX, RECALL_ANSWER_MS_MAX } from './constants.ts'
import { PermitBook } from './permit-book.ts'
import { answerFromWire, CHANGES, countFromWire, HOLDS, nameFromWire, takeChecked } from './permit-message.ts'

const NOTHING = new Uint8Array(0)

/** A holder that wants more. */
interface Asker {
  readonly holder: string
  readonly reserved: number
  readonly count: number
  /** Booked for it already. */
  got: number
  /** Holders were asked on its behalf: with the end of that round it is answered. */
  sought: boolean
  readonly answered: (granted: number) => void
}

/** Keeps the count of permits of those functions that this node is the home of, and asks holders for what they do not use before it refuses. */
export class PermitKeeper {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #logger: Logger
  /** What this node itself gives back when it is asked, and whether more follows. */
  readonly #ownIdle: (name: string, count: number) => { back: number; owed: number }
  readonly #book = new PermitBook(PERMIT_FUNCTIONS_MAX)
  /** By function, those who came first in front. */
  readonly #askers = new Map<string, Asker[]>()
  /** Functions of which holders are being asked. */
  readonly #rounds = new Set<string>()

  constructor(
    { mesh, clock, logger }: { mesh: Mesh; clock: Clock; logger: Logger },
    ownIdle: (name: string, count: number) => { back: number; owed: number }
  ) {
    this.#mesh = mesh
    this.#clock = clock
    this.#logger = logger
    this.#ownIdle = ownIdle
  }

  start(): void {
    this.#mesh.handle(MESSAGE.RESERVE, (peerId, request) => this.#onReserve(peerId, request))
  }

  /** What a node that went away held, nobody holds, and it waits for no answer. */
  gone(peerId: string): void {
    this.#book.gone(peerId)
    for (const [name, askers] of [...this.#askers]) {
      this.#keep(
        name,
        askers.filter(({ holder }) => holder !== peerId)
      )
      this.#serve(name)
    }
  }

  /** @param change below zero where permits come back */
  add(name: string, holder: string, change: number): void {
    this.#book.add(name, holder, change)
    if (change < 0) this.#serve(name)
  }

  /** @param answered told how many of `count` it has now, at once or after holders were asked; not at all when it went away */
  grant(holder: string, name: string, reserved: number, count: number, answered: (granted: number) => void): void {
    const asker = { holder, reserved, count, got: 0, sought: false, answered }
    this.#keep(name, [...(this.#askers.get(name) ?? []), asker])
    this.#serve(name)
  }

  /** Gives what is free to those who wait, and asks holders for what is missing. */
  #serve(name: string): void {
    const running = this.#rounds.has(name)
    const [answers, waiting]: [Asker[], Asker[]] = [[], []]
    for (const asker of this.#askers.get(name) ?? []) {
      asker.got += this.#book.grant(name, asker.reserved, asker.holder, asker.count - asker.got)
      const ended = asker.got === asker.count || (asker.sought && !running)
      ;(ended ? answers : waiting).push(asker)
    }
    const missing = waiting.reduce((sum, { count, got }) => sum + count - got, 0)
    const from = running || missing === 0 ? [] : this.#sources(name, waiting)
    // Nobody has any to give back.
    if (!running && from.length === 0) answers.push(...waiting.splice(0))
    this.#keep(name, waiting)
    if (from.length > 0) this.#recall(name, from, missing, waiting)
    for (const { answered, got } of answers) answered(got)
  }

  /** Holders that may have idle ones, without those that want more themselves and those that may be dead. */
  #sources(name: string, waiting: readonly Asker[]): string[] {
    return this.#book
      .recallable(name, this.#clock.monotonic())
      .filter(
        (holder) =>
          !waiting.some((asker) => asker.holder === holder) &&
          (holder === this.#mesh.peerId || (this.#mesh.silentMs(holder) ?? Number.POSITIVE_INFINITY) <= PEER_SILENT_MS_MIN)
      )
  }

  #recall(name: string, holders: readonly string[], count: number, forWhom: readonly Asker[]): void {
    this.#rounds.add(name)
    for (const asker of forWhom) asker.sought = true
    const { returns } = this.#book
    let open = holders.length
    let over = false
    const end = () => {
      if (over) return
      over = true
      timer.cancel()
      this.#rounds.delete(name)
      this.#serve(name)
    }
    const timer = this.#clock.after(RECALL_ANSWER_MS_MAX, end)
    const answered = (holder: string, more: boolean) => {
      if (more && !over) this.#book.dry(name, holder, this.#clock.monotonic() + PERMIT_IDLE_MS, returns)
      if (--open === 0) end()
    }
    for (const holder of holders) {
      if (holder === this.#mesh.peerId) {
        const { back, owed } = this.#ownIdle(name, count)
        this.#book.add(name, holder, -back)
        answered(holder, owed > 0)
      } else
        this.#mesh.request(holder, MESSAGE.RESERVE_RECALL, [name, count], NOTHING, (_error, reply) =>
          answered(holder, answerFromWire(reply?.header, 1) === 1)
        )
    }
  }

  #keep(name: string, askers: Asker[]): void {
    if (askers.length > 0) this.#askers.set(name, askers)
    else this.#askers.delete(name)
  }

  #onReserve(peerId: string, request: IncomingRequest): void {
    // Its last words may come after its end.
    if (this.#mesh.silentMs(peerId) === undefined) return
    takeChecked(peerId, request, this.#logger, ([alleged, reserved, count]) => {
      const name = nameFromWire(alleged)
      if (reserved === CHANGES) {
        this.add(name, peerId, countFromWire(count, -PERMITS_MAX))
        request.reply(0)
      } else if (reserved === HOLDS) {
        this.#book.says(name, peerId, countFromWire(count, 0))
        this.#serve(name)
        request.reply(0)
      } else this.grant(peerId, name, countFromWire(reserved, 1), countFromWire(count, 1), (granted) => request.reply(granted))
    })
  }
}
