import { type IncomingRequest, MESSAGE, messageOf, PeerlessError } from '@peerless/interface'
import { ASK_IDS_MAX, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, ENDS_MS_MAX, STORE_MS_MAX } from './constants.ts'
import { checkEventId, decodeMeta, decodeResult, subjectOf } from './event.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Holders } from './holders.ts'
import type { Holding } from './holding.ts'
import { decodeCodes, decodeKeep, encodeKeep, type KeepMessage } from './messages.ts'
import type { QueueOptions } from './options.ts'
import type { Owner } from './owner.ts'
import type { PeerQuestions } from './peer-questions.ts'
import type { EndRow } from './store.ts'

/** Dead letters first: they are kept for longer, and nothing else has the event. */
const END_KINDS = ['letters', 'results'] as const
export type EndKind = (typeof END_KINDS)[number]

export interface EndsParts {
  readonly owner: Owner
  readonly holders: Holders
  readonly holding: Holding
  readonly commits: GroupCommit
  readonly questions: PeerQuestions
  /** Dead letters came in. */
  readonly kept: () => void
}

/**
 * What became of events, for those who ask later: results and dead letters. Owner and holders each have them, so mostly some other node does too; what only a
 * node has that goes for good, it gives to one that stays.
 */
export class Ends {
  readonly #o: Pick<QueueOptions, 'mesh' | 'clock' | 'logger' | 'disk'>
  readonly #parts: EndsParts
  /** Of the peers that are to be asked, those that did not answer this time. */
  readonly #mute = new Set<string>()
  /** How many of those that were asked for each peer has. */
  readonly #had = new Map<string, number>()

  constructor(options: Pick<QueueOptions, 'mesh' | 'clock' | 'logger' | 'disk'>, parts: EndsParts) {
    this.#o = options
    this.#parts = parts
  }

  listen(): void {
    this.#o.mesh.handle(MESSAGE.QUEUE_KEEP, (peerId, request) => this.#keep(peerId, request))
  }

  /**
   * Gives to peers on other machines what none of them has, for ENDS_MS_MAX at most; what was given stays so, for another try.
   * @returns how many are known to be left, at least
   */
  async give(): Promise<number> {
    this.#mute.clear()
    const until = this.#o.clock.monotonic() + ENDS_MS_MAX
    for (const kind of END_KINDS) {
      for (let after = ''; ; ) {
        const ids = await this.#o.disk.ask('endIds', kind, after, ASK_IDS_MAX)
        const last = ids.at(-1)
        if (last === undefined) break
        after = last
        const left = await this.#giveLacked(await this.#lacked(kind, ids), until)
        if (left > 0) return left
      }
    }
    return 0
  }

  /** Those of them that no node of another machine has. */
  async #lacked(kind: EndKind, ids: readonly string[]): Promise<readonly string[]> {
    const { holders, questions } = this.#parts
    let lacked = ids
    const hadBy = (peerId: string) => this.#had.get(peerId) ?? 0
    // A node keeps the same holders, so that those that had most are asked first, and the others mostly not at all.
    for (const peerId of holders.outsiders().sort((a, b) => hadBy(b) - hadBy(a))) {
      if (lacked.length === 0) break
      if (this.#mute.has(peerId)) continue
      const [answer] = await questions.ask(['lacks', kind, [...lacked]], [peerId])
      try {
        if (answer === undefined) throw new Error('no answer')
        const codes = decodeCodes(answer.payload, lacked.length)
        const left = lacked.filter((_, index) => codes[index] !== 0)
        this.#had.set(peerId, hadBy(peerId) + lacked.length - left.length)
        lacked = left
      } catch (error) {
        // Who does not say so has none.
        this.#mute.add(peerId)
        this.#o.logger.debug('a peer did not say which ends it has', { peerId, reason: messageOf(error) })
      }
    }
    return lacked
  }

  async #giveLacked(lacked: readonly string[], until: number): Promise<number> {
    const { disk, clock } = this.#o
    let done = 0
    while (done < lacked.length) {
      if (clock.monotonic() > until) return lacked.length - done
      const { rows, looked } = await disk.ask('ends', lacked.slice(done, done + BATCH_EVENTS_MAX), BATCH_BYTES_MAX)
      if (rows.length > 0 && !(await this.#giveRows(rows))) return lacked.length - done
      done += looked
    }
    return 0
  }

  /** Whether somebody has them on its disk. */
  async #giveRows(rows: readonly EndRow[]): Promise<boolean> {
    const { holders } = this.#parts
    const message = encodeKeep(rows.map(({ id, at, result, letter }) => [id, at, result, letter]))
    for (const peerId of holders.outsiders()) {
      if (this.#mute.has(peerId)) continue
      const refusal = await this.#send(peerId, message)
      if (refusal === undefined) return true
      this.#mute.add(peerId)
      this.#o.logger.debug('a peer did not take ends of events', { peerId, reason: refusal.message })
    }
    return false
  }

  #send(peerId: string, message: Uint8Array): Promise<PeerlessError | undefined> {
    const { mesh, clock } = this.#o
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined
      const timer = clock.after(STORE_MS_MAX, () => cancel())
      cancel = mesh.request(peerId, MESSAGE.QUEUE_KEEP, undefined, message, (error) => {
        timer.cancel()
        resolve(error)
      })
    })
  }

  #keep(peerId: string, request: IncomingRequest): void {
    const { holding, commits } = this.#parts
    if (holding.closed) throw new PeerlessError('UNAVAILABLE', 'this node is leaving its mesh and keeps nothing for others')
    for (const row of checked(decodeKeep(request.payload))) this.#take(peerId, row)
    // One more, so that the answer comes when all of them are on disk.
    commits.add(['drop', ''], (error) => {
      this.#parts.kept()
      if (error === undefined) request.reply(undefined)
      else request.fail(new PeerlessError('UNAVAILABLE', "the peer's disk refuses", { cause: error }))
    })
  }

  #take(peerId: string, { id, at, result, letter, account, functionName }: CheckedEnd): void {
    const { owner, holding, commits } = this.#parts
    const copy = holding.copies.get(id)
    // Here it is not over: it gets an end of its own.
    if (owner.get(id) !== undefined || (copy !== undefined && copy.owner !== peerId)) return
    if (copy !== undefined) {
      holding.copies.remove(id)
      commits.add(['drop', id])
    }
    owner.remember(id)
    // Nothing is kept for longer because a clock is wrong.
    commits.add(['keep', id, Math.min(at, this.#o.clock.now()), result, letter, [account ?? null, functionName]])
  }
}

interface CheckedEnd extends EndRow {
  readonly account: string | undefined
  readonly functionName: string
}

/** @throws MALFORMED, before any of them is taken */
function checked(rows: KeepMessage): CheckedEnd[] {
  return rows.map(([id, at, result, letter]) => {
    checkEventId(id)
    const ended = result === null ? undefined : decodeResult(result)
    const event = letter === null ? undefined : decodeMeta(letter[0], id).event
    if ((ended !== undefined && ended.requestId !== id) || (ended === undefined && event === undefined))
      throw new PeerlessError('MALFORMED', `the end of event '${id}' says nothing of it`)
    const { account, functionName } = event === undefined ? (ended as NonNullable<typeof ended>) : subjectOf(event)
    return { id, at, result, letter, account, functionName }
  })
}
