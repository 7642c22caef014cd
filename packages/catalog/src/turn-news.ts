import { type Clock, MESSAGE, type Mesh, PEER_SILENT_MS_MIN, type Reply } from '@peerless/interface'
import { COMPANY_WAIT_MS_MAX, KEYS_CAUGHT_UP_MAX, NEWS_WAIT_MS_MAX } from './constants.ts'

/** Of one peer. */
type Answer = 'told' | 'knows another' | 'none'

/** A question to all peers about one key. */
interface Round {
  readonly peers: readonly string[]
  readonly answers: Promise<Answer[]>
}

export interface TurnNewsOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  /** Whether other nodes of the mesh are known, connected or not. */
  readonly others: () => boolean
  /** Takes what a peer answered. */
  readonly take: (peer: string, reply: Reply) => Promise<unknown>
}

/**
 * What a keeper of turns asks the others before the first turn of a key: another may have kept them before, somebody may have a turn of it still, and what
 * was changed then may not be here yet. Asked again for every key whenever a peer came, went or fell silent, and when this node stood still.
 */
export class TurnNews {
  readonly #options: TurnNewsOptions
  /** By key, as long as `#company` is that of now. */
  readonly #rounds = new Map<string, Round>()
  /** How often this node was away, or a peer came or went. */
  #times = 0
  #company = ''
  /** Until when a node that comes back waits for the first of the others, monotonic milliseconds. */
  #awaitedUntil = 0

  constructor(options: TurnNewsOptions) {
    this.#options = options
  }

  /** This node was away: nothing that it has is certain. */
  returned(): void {
    const { clock } = this.#options
    this.met()
    this.#awaitedUntil = clock.monotonic() + COMPANY_WAIT_MS_MAX
  }

  /** A peer came or went. */
  met(): void {
    this.#times++
    this.#rounds.clear()
  }

  /** Another keeps turns of the key too. */
  doubt(key: string): void {
    this.#rounds.delete(key)
  }

  /**
   * Resolves when everybody who answers has told what there is of that key, and has no turn of it any more.
   * @returns a peer that knows a node which goes before this one in keeping its turns, and which this one is not connected with
   */
  async catchUp(key: string, header: unknown): Promise<string | undefined> {
    const { clock, others } = this.#options
    for (;;) {
      const round = this.#round(key, header)
      const times = this.#times
      const answers = await round.answers
      // Asked of those who were there before.
      if (times !== this.#times) continue
      const above = answers.indexOf('knows another')
      if (above >= 0) {
        this.#forget(key, round)
        return round.peers[above]
      }
      if (answers.length > 0 && !answers.includes('none')) return undefined
      this.#forget(key, round)
      if (answers.includes('told') || clock.monotonic() >= this.#awaitedUntil || !others()) return undefined
      // It was away, and nobody is there yet: its connections are being made again.
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.after(COMPANY_LOOK_MS, resolve)
      await promise
    }
  }

  /** One that is under way or ended well, of the company of now, or a new one: whoever comes meanwhile waits for its answers too. */
  #round(key: string, header: unknown): Round {
    const peers = this.#heard()
    const company = peers.join()
    if (company !== this.#company || this.#rounds.size >= KEYS_CAUGHT_UP_MAX) this.#rounds.clear()
    this.#company = company
    const before = this.#rounds.get(key)
    if (before !== undefined) return before
    const round = { peers, answers: Promise.all(peers.map((peer) => this.#ask(peer, header))) }
    this.#rounds.set(key, round)
    return round
  }

  #forget(key: string, round: Round): void {
    if (this.#rounds.get(key) === round) this.#rounds.delete(key)
  }

  #ask(peer: string, header: unknown): Promise<Answer> {
    const { mesh, clock, take } = this.#options
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const cancel = mesh.request(peer, MESSAGE.CATALOG_TURN_NEWS, header, new Uint8Array(0), (_error, reply) => {
      timer.cancel()
      if (reply === undefined) resolve('none')
      else
        take(peer, reply).then(
          () => resolve(reply.header === true ? 'knows another' : 'told'),
          () => resolve('none')
        )
    })
    const timer = clock.after(NEWS_WAIT_MS_MAX, () => {
      resolve('none')
      cancel()
    })
    return promise
  }

  #heard(): string[] {
    const { mesh } = this.#options
    return mesh.peers().filter((peer) => (mesh.silentMs(peer) ?? PEER_SILENT_MS_MIN) < PEER_SILENT_MS_MIN)
  }
}

/** Between two looks for the first peer. */
const COMPANY_LOOK_MS = 50
