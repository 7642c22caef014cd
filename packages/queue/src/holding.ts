import { type IncomingRequest, MESSAGE, messageOf, PeerlessError } from '@peerless/interface'
import { ASK_IDS_MAX, COPIES_MAX, COPY_BYTES_MAX } from './constants.ts'
import { Copies, type Copy } from './copies.ts'
import { checkEventId, decodeMeta, decodeResult, type StoredEvent } from './event.ts'
import type { GroupCommit } from './group-commit.ts'
import { decodeStore, decodeUpdate, KNOWLEDGE } from './messages.ts'
import type { QueueOptions } from './options.ts'
import type { OwnedEvent } from './owned-event.ts'
import type { Owner } from './owner.ts'
import type { PeerQuestions } from './peer-questions.ts'

/**
 * Copies of other nodes' events: stores what owners send, hears that they live, and takes over from one that does not.
 *
 * Before a takeover everybody who is connected is asked: an owner that changed its holders, or a settlement that has not come here yet, is known
 * elsewhere. What nobody knows to be settled or owned is run again, as a further attempt: the owner may have begun it before it died.
 */
export class Holding {
  readonly copies: Copies
  readonly #o: QueueOptions
  readonly #commits: GroupCommit
  readonly #owner: Owner
  readonly #questions: PeerQuestions
  /** Given what was taken over, to run it. */
  readonly #taken: (owned: OwnedEvent) => void
  /** Another node owns what this one thought its own. */
  readonly #yielded: (owned: OwnedEvent) => void
  takenOver = 0
  /** Nothing more is taken: this node goes for good, and may have asked for the last time who takes what it has. */
  closed = false

  constructor(
    options: QueueOptions,
    parts: {
      commits: GroupCommit
      owner: Owner
      questions: PeerQuestions
      taken: (owned: OwnedEvent) => void
      yielded: (owned: OwnedEvent) => void
    }
  ) {
    this.#o = options
    this.#commits = parts.commits
    this.#owner = parts.owner
    this.#questions = parts.questions
    this.#taken = parts.taken
    this.#yielded = parts.yielded
    this.copies = new Copies(options.mesh.peerId)
  }

  listen(): void {
    this.#o.mesh.handle(MESSAGE.QUEUE_STORE, (peerId, request) => this.#store(peerId, request))
    this.#o.mesh.handle(MESSAGE.QUEUE_UPDATE, (peerId, request) => this.#update(peerId, request))
  }

  #store(peerId: string, request: IncomingRequest): void {
    if (this.closed) throw leaving()
    const now = this.#o.clock.monotonic()
    const known: string[] = []
    const events = decodeStore(request.payload).map(([id, meta, payload]) => {
      checkEventId(id)
      return { id, meta, payload, stored: decodeMeta(meta, id) }
    })
    if (this.copies.count + events.length > COPIES_MAX || this.copies.bytes + request.payload.length > COPY_BYTES_MAX)
      throw new PeerlessError(
        'BUSY',
        `this node keeps ${this.copies.count} copies of ${this.copies.bytes} bytes, as many as it may`
      )
    this.copies.heard(peerId, now)
    const taken = events.filter(({ id, stored }) => {
      if (this.#takes(id, peerId, stored)) return true
      known.push(id)
      return false
    })
    let open = taken.length
    let failure: Error | undefined
    if (open === 0) {
      request.reply(known)
      return
    }
    for (const { id, meta, payload, stored } of taken) {
      this.copies.put({ id, owner: peerId, stored, bytes: payload.length }, now)
      this.#commits.add(['put', id, peerId, meta, payload], (error) => {
        failure ??= error
        if (--open > 0) return
        if (failure === undefined) request.reply(known)
        else {
          for (const { id: lost } of taken) this.copies.remove(lost)
          request.fail(new PeerlessError('UNAVAILABLE', "the holder's disk refuses", { cause: failure }))
        }
      })
    }
  }

  /** Whether the sender's word counts more than what is known here. */
  #takes(id: string, sender: string, stored: StoredEvent): boolean {
    if (this.#owner.wasSettled(id)) return false
    const { term } = stored.state
    const own = this.#owner.get(id)
    if (own !== undefined) {
      if (own.term > term || (own.term === term && this.#o.mesh.peerId < sender)) return false
      this.#yielded(own)
      return true
    }
    const copy = this.copies.get(id)
    if (copy === undefined || copy.owner === sender) return true
    return term > copy.stored.state.term || (term === copy.stored.state.term && sender < copy.owner)
  }

  #update(peerId: string, request: IncomingRequest): void {
    this.copies.heard(peerId, this.#o.clock.monotonic())
    if (request.payload.length === 0) {
      request.reply(undefined)
      return
    }
    const [settled, metas, released] = decodeUpdate(request.payload)
    if (this.closed && released.length > 0) throw leaving()
    for (const [id, meta] of metas) {
      const copy = this.#copyOf(id, peerId)
      if (copy === undefined) continue
      copy.stored = decodeMeta(meta, id)
      this.#commits.add(['meta', id, peerId, meta])
    }
    for (const [id, result, dead] of settled) {
      if (this.#copyOf(id, peerId) === undefined) continue
      const { settledAt, account, functionName } = decodeResult(result)
      this.copies.remove(id)
      this.#owner.remember(id)
      this.#commits.add(['settle', id, settledAt ?? this.#o.clock.now(), result, dead, [account ?? null, functionName]])
    }
    for (const id of released) {
      const copy = this.#copyOf(id, peerId)
      if (copy !== undefined) this.#take(copy, false)
    }
    // One more, so that the answer comes when all of them are on disk.
    this.#commits.add(['drop', ''], (error) => {
      if (error === undefined) request.reply(undefined)
      else request.fail(new PeerlessError('UNAVAILABLE', "the holder's disk refuses", { cause: error }))
    })
  }

  #copyOf(id: string, owner: string): Copy | undefined {
    const copy = this.copies.get(id)
    return copy?.owner === owner ? copy : undefined
  }

  /** Looks for owners whose lease has ended. */
  judge(): void {
    for (const { owner, copies } of this.copies.lapsed(this.#o.clock.monotonic())) {
      this.#takeOver(owner, copies)
        .catch((error) => this.#o.logger.error('a takeover failed', { owner, reason: messageOf(error) }))
        .finally(() => this.copies.judged(owner))
    }
  }

  async #takeOver(owner: string, copies: readonly Copy[]): Promise<void> {
    let taken = 0
    for (let from = 0; from < copies.length; from += ASK_IDS_MAX) {
      const page = copies.slice(from, from + ASK_IDS_MAX)
      const ids = page.map(({ id }) => id)
      const here = new Set(await this.#o.disk.ask('settled', ids))
      const answers = await this.#questions.knowledge(ids)
      for (const [index, copy] of page.entries()) {
        if (this.copies.get(copy.id) !== copy) continue
        const codes = answers.map(({ codes }) => codes[index] as number)
        if (here.has(copy.id) || codes.includes(KNOWLEDGE.SETTLED) || codes.includes(KNOWLEDGE.OWNED_WITHOUT_YOU)) {
          this.copies.remove(copy.id)
          this.#commits.add(['drop', copy.id])
        } else if (!codes.includes(KNOWLEDGE.OWNED_WITH_YOU) && !codes.includes(KNOWLEDGE.HELD_FOR_ANOTHER)) {
          this.#take(copy, true)
          taken++
        }
      }
    }
    // For what somebody else answers for, another lease begins.
    this.copies.heard(owner, this.#o.clock.monotonic())
    if (taken > 0) this.#o.logger.warn('took over the events of a node that is gone', { owner, events: taken })
  }

  /** @param mayHaveRun whether its owner may have begun an attempt that it could not tell of */
  #take(copy: Copy, mayHaveRun: boolean): void {
    this.copies.remove(copy.id)
    this.takenOver++
    const { peerId: self } = this.#o.mesh
    const { event, state } = copy.stored
    const holders = state.holders.filter((peerId) => peerId !== self && peerId !== copy.owner)
    const stored = {
      event,
      state: { ...state, term: state.term + 1, starts: state.starts + (mayHaveRun ? 1 : 0), holders: [] }
    }
    const owned = this.#owner.adopt(stored, copy.bytes, 'waiting')
    this.#commits.add(['meta', copy.id, self, owned.meta()], () => this.#taken(owned))
    if (holders.length > 0) this.#owner.tick(this.#o.clock.monotonic())
  }

  /** What this node says of an id when it is asked. */
  knowledgeOf(id: string, asker: string, settledHere: ReadonlySet<string>): number {
    const own = this.#owner.get(id)
    if (own !== undefined) return own.holders.includes(asker) ? KNOWLEDGE.OWNED_WITH_YOU : KNOWLEDGE.OWNED_WITHOUT_YOU
    if (this.#owner.wasSettled(id) || settledHere.has(id)) return KNOWLEDGE.SETTLED
    const copy = this.copies.get(id)
    if (copy === undefined) return KNOWLEDGE.UNKNOWN
    if (copy.owner === asker) return KNOWLEDGE.HELD_FOR_YOU
    return this.copies.isAlive(copy.owner, this.#o.clock.monotonic()) ? KNOWLEDGE.HELD_FOR_ANOTHER : KNOWLEDGE.UNKNOWN
  }
}

function leaving(): PeerlessError {
  return new PeerlessError('UNAVAILABLE', 'this node is leaving its mesh and keeps no events for others')
}
