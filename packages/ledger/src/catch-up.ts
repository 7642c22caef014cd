import { type Clock, type Logger, MESSAGE, PeerlessError, type Reply } from '@peerless/interface'
import type { FeedHead } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { sha256 } from './merkle.ts'
import { type HeadsAnswer, headsAnswerOf, statementsOf } from './messages.ts'
import type { PeerWork } from './peer-work.ts'
import type { CoreHost } from './runner.ts'
import { hexOf, type SignedStatement } from './statement.ts'

export interface CatchUpOptions {
  readonly host: CoreHost
  readonly clock: Clock
  readonly logger: Logger
  readonly boot: Uint8Array
  /** Whether who signed it is or was of the mesh. */
  readonly byMembers: (statement: SignedStatement) => boolean
  /** What was taken over is on disk within a bounded time. */
  readonly storeSoon: () => void
  readonly call: (peer: string, type: number, header: unknown, payload?: Uint8Array) => Promise<Reply>
}

/** Anti-entropy from the side that asks: reads a peer's feed after a cursor and fetches what is missing here. */
export class CatchUp {
  readonly #options: CatchUpOptions
  /** Place in the feed of each peer's store. */
  readonly #cursors = new Map<string, { store: string; position: number }>()
  /** Transactions of the core that failed. */
  #era = 0

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /** What was taken over since the last transaction may be gone: the cursors that are on disk have not passed it. */
  rolledBack(era: number): void {
    this.#era = era
    this.#cursors.clear()
  }

  /** One page of the peer's feed. @returns whether there is more at once */
  async round(peer: string, work: PeerWork): Promise<boolean> {
    const era = this.#era
    const after = this.#cursors.get(peer)
    const answer = await this.#heads(peer, after?.position ?? 0)
    await this.#options.host.call({ op: 'boot', peer, boot: answer.boot })
    if (after?.store !== answer.store) {
      // First talk in this run: go on where the disk says.
      const position = await this.#options.host.call({ op: 'cursor', peer, store: answer.store })
      if (era !== this.#era) return true
      this.#cursors.set(peer, { store: answer.store, position })
      if (position !== (after?.position ?? 0)) return true
    }
    const position = this.#cursors.get(peer)?.position ?? 0
    if (answer.last < position) {
      this.#options.logger.warn('ledger: a peer has fewer statements than before; all are compared again', { peer })
      this.#cursors.set(peer, { store: answer.store, position: 0 })
      return true
    }
    const held = await this.#fetch(peer, answer)
    if (era !== this.#era) return true
    return await this.#advance(peer, work, answer, held)
  }

  /** Moves the cursor past what is done. Stops before what is held back, a bounded number of times. */
  async #advance(peer: string, work: PeerWork, answer: HeadsAnswer, held: Set<string>): Promise<boolean> {
    const last = answer.heads.at(-1)?.feed
    let position = last ?? this.#cursors.get(peer)?.position ?? 0
    if (held.size > 0 && work.heldRounds < LEDGER_LIMITS.heldRoundsMax) {
      work.heldRounds++
      const first = answer.heads.findIndex((head) => held.has(hexOf(head.hash)))
      position = first > 0 ? (answer.heads[first - 1] as FeedHead).feed : (this.#cursors.get(peer)?.position ?? 0)
      // Asked for again by the next gossip or round, not at once.
      await this.#moveCursor(peer, answer.store, position)
      return false
    }
    work.heldRounds = 0
    await this.#moveCursor(peer, answer.store, position)
    if (position < answer.last) return last !== undefined
    return await this.#compare(peer, work, answer)
  }

  /** Caught up: the peer should have nothing that is not here. */
  async #compare(peer: string, work: PeerWork, answer: HeadsAnswer): Promise<boolean> {
    const mine = await this.#options.host.call({ op: 'heads', after: Number.MAX_SAFE_INTEGER })
    const same = Buffer.from(mine.digest).equals(answer.digest)
    // With more here than there, the peer is the one that lacks something. Numbers of the feed say nothing of that: most of an old store's have gone.
    if (same) work.rescans = 0
    // Who has pruned more or less has other statements, rightly.
    const comparable = mine.pruned === answer.pruned
    work.differentRounds = same || !comparable || mine.shown > answer.shown ? 0 : work.differentRounds + 1
    // Twice as patient each time: a peer may show for ever what nobody can take.
    if (work.differentRounds < LEDGER_LIMITS.differentRoundsMax * 2 ** Math.min(work.rescans, 10)) return false
    work.differentRounds = 0
    work.rescans++
    await this.#moveCursor(peer, answer.store, 0)
    return true
  }

  async #moveCursor(peer: string, store: string, position: number): Promise<void> {
    if (this.#cursors.get(peer)?.position === position) return
    this.#cursors.set(peer, { store, position })
    await this.#options.host.call({ op: 'moveCursor', peer, store, position, era: this.#era })
  }

  /** Pulls and stores what is missing of these. @returns hashes that could not be taken yet */
  async #fetch(peer: string, { heads, itemisedFrom: alleged }: HeadsAnswer): Promise<Set<string>> {
    // A peer that says it has pruned today is not believed: what is new has a parent.
    const itemisedFrom = Math.max(0, Math.min(alleged, this.#options.clock.now() - LEDGER_LIMITS.keepMsLeast))
    const held = new Set<string>()
    let wanted = heads.length === 0 ? [] : await this.#options.host.call({ op: 'missing', heads })
    while (wanted.length > 0) {
      const asked = wanted.slice(0, LEDGER_LIMITS.pullHashesMax)
      const answer = await this.#options.call(peer, MESSAGE.LEDGER_PULL, [], Buffer.concat(asked))
      const bytes = Uint8Array.from(answer.payload)
      const statements = statementsOf(bytes)
      const hashes = statements.map((statement) => hexOf(sha256(statement.body)))
      const allowed = statements.map((statement) => this.#options.byMembers(statement))
      const unasked = hashes.find((hash) => !asked.some((one) => hexOf(one) === hash))
      if (unasked !== undefined) throw new PeerlessError('MALFORMED', `statement ${unasked} was not asked for`)
      if (hashes.length === 0) {
        // It shows what it does not give: held back, so that another peer or a later round may bring it.
        for (const hash of asked) held.add(hexOf(hash))
        wanted = wanted.slice(asked.length)
        continue
      }
      const result = await this.#options.host.call({ op: 'ingest', peer, bytes, allowed, itemisedFrom })
      this.#options.storeSoon()
      for (const hash of result.held) held.add(hash)
      const got = new Set(hashes)
      const before = wanted.length
      wanted = wanted.filter((hash) => !got.has(hexOf(hash)))
      if (wanted.length === before) break
    }
    return held
  }

  async #heads(peer: string, after: number): Promise<HeadsAnswer> {
    const answer = await this.#options.call(peer, MESSAGE.LEDGER_HEADS, [this.#options.boot, after])
    return headsAnswerOf(answer.header, answer.payload)
  }
}
