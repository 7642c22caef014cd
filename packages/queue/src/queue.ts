import {
  type AsyncOrder,
  type AsyncResult,
  type AsyncStats,
  type DeadLetter,
  type DeadLetterFilter,
  extendLineage,
  type IncomingRequest,
  LIMITS,
  MESSAGE,
  messageOf,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import { ASK_IDS_MAX, PRUNE_MS, PURGE_PAGES_MAX, RENEW_MS, RETRY_BASE_MS, TICK_MS } from './constants.ts'
import { DeadLetters } from './dead-letters.ts'
import { Deliveries } from './deliveries.ts'
import { Ends } from './ends.ts'
import { checkEventId, decodeMeta, decodeResult, encodeResult, eventOf, subjectOf } from './event.ts'
import { GroupCommit } from './group-commit.ts'
import { HandOver, type Left } from './hand-over.ts'
import { Holders } from './holders.ts'
import { Holding } from './holding.ts'
import { checkQuestion, encodeCodes, encodeDead } from './messages.ts'
import type { QueueOptions, QueueService } from './options.ts'
import type { OwnedEvent } from './owned-event.ts'
import { Owner } from './owner.ts'
import { PeerQuestions } from './peer-questions.ts'
import { Recovery } from './recovery.ts'
import { Runner } from './runner.ts'

const NOTHING = new Uint8Array(0)
const REPLICAS_DEFAULT = 1
/** How often the oldest events are looked at for their age. */
const EXPIRE_MS = 5_000

/** One node's part of the mesh's queue. */
export class Queue implements QueueService {
  readonly #o: QueueOptions
  readonly #commits: GroupCommit
  readonly #owner: Owner
  readonly #runner: Runner
  readonly #holding: Holding
  readonly #questions: PeerQuestions
  readonly #recovery: Recovery
  readonly #ends: Ends
  readonly #handOver: HandOver
  readonly #deadLetters: DeadLetters
  readonly #deliveries: Deliveries
  readonly #timers: Timer[] = []
  #draining = false
  #stopped = false
  #accepted = 0

  constructor(options: QueueOptions) {
    this.#o = { ...options, retryBaseMs: options.retryBaseMs ?? RETRY_BASE_MS }
    const { mesh, clock, logger, disk } = options
    this.#commits = new GroupCommit(disk, clock, logger)
    const machineOf = options.machineOf ?? ((peerId: string) => peerId)
    const holders = new Holders(options.replicas ?? REPLICAS_DEFAULT, { mesh, clock, logger, machineOf })
    this.#owner = new Owner(this.#o, this.#commits, holders)
    this.#deliveries = new Deliveries(this.#o)
    this.#runner = new Runner(this.#o, this.#owner, this.#deliveries, () => this.#recovery.fenced)
    this.#questions = new PeerQuestions({ mesh, clock, logger })
    this.#recovery = new Recovery({
      owner: this.#owner,
      questions: this.#questions,
      connected: () => mesh.peers(),
      clock
    })
    this.#holding = new Holding(this.#o, {
      commits: this.#commits,
      owner: this.#owner,
      questions: this.#questions,
      taken: (owned) => owned.phase !== 'gone' && this.#runner.add(owned),
      yielded: (owned) => this.#owner.forget(owned, 'yielded')
    })
    const parts = { owner: this.#owner, holders, holding: this.#holding, commits: this.#commits, questions: this.#questions }
    this.#ends = new Ends(options, { ...parts, kept: () => void this.#countDead() })
    this.#handOver = new HandOver(options, { ...parts, ends: this.#ends })
    const accountOf = (functionName: string) => options.resolve(functionName, undefined)?.record.account
    this.#deadLetters = new DeadLetters({ disk, questions: this.#questions, logger, clock, accountOf })
  }

  async start(): Promise<void> {
    const { mesh, clock, disk, logger } = this.#o
    const now = clock.monotonic()
    const leftOver: OwnedEvent[] = []
    for (const { id, owner, meta, bytes } of await disk.ask('load')) {
      try {
        const stored = decodeMeta(meta, id)
        if (owner === mesh.peerId) leftOver.push(this.#owner.adopt(stored, bytes, 'limbo'))
        else this.#holding.copies.put({ id, owner, stored, bytes }, now)
      } catch (error) {
        logger.error('a queued event on disk is corrupt and stays there', { requestId: id, reason: messageOf(error) })
      }
    }
    this.#runner.deadLetters = await disk.ask('deadCount')
    this.#recovery.begin(leftOver, now)
    this.#holding.listen()
    this.#ends.listen()
    this.#deliveries.listen()
    mesh.handle(MESSAGE.QUEUE_ASK, (peerId, request) => this.#answer(peerId, request))
    mesh.onPeer((peerId, connected) => this.#owner.onPeer(peerId, connected))
    this.#timers.push(
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(RENEW_MS, () => this.#judge()),
      clock.every(EXPIRE_MS, () => this.#runner.expire()),
      clock.every(PRUNE_MS, () => this.#prune())
    )
    this.#tick()
  }

  accept(order: AsyncOrder): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#accept(order, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  #accept(order: AsyncOrder, done: (error: PeerlessError | undefined) => void): void {
    const { requestId: id, payload, account, functionName } = order
    try {
      const why = this.#draining ? 'this node is draining; call another' : this.#o.refusal?.()
      if (why !== undefined) throw new PeerlessError('UNAVAILABLE', why, { detail: { retryAfterMs: 1_000 } })
      checkEventId(id)
      if (payload.length > LIMITS.asyncPayloadBytesMax)
        throw new PeerlessError(
          'TOO_LARGE',
          `an event of ${payload.length} bytes must have at most ${LIMITS.asyncPayloadBytesMax}`
        )
      this.#owner.checkRoom(account, functionName, payload.length)
    } catch (error) {
      done(error as PeerlessError)
      return
    }
    if (this.#owner.get(id) !== undefined || this.#owner.wasSettled(id) || this.#holding.copies.get(id) !== undefined) {
      done(undefined)
      return
    }
    const event = eventOf(order, this.#o.clock.now())
    const counted = { ...event, lineage: extendLineage(event.lineage, functionName) }
    const owned = this.#owner.create(
      counted,
      payload,
      [],
      (error, known) => {
        if (error === undefined && !known) {
          this.#accepted++
          const now = this.#o.clock.monotonic()
          if (order.mineUntilMs === undefined || now <= order.mineUntilMs) this.#runner.accepted(owned)
          else {
            owned.phase = 'limbo'
            owned.mayHaveRun = false
            this.#recovery.begin([owned], now)
          }
        }
        done(error)
      },
      { alone: order.mineUntilMs === undefined }
    )
  }

  async result(requestId: string): Promise<AsyncResult | undefined> {
    checkEventId(requestId)
    const here = await this.#resultHere(requestId)
    if (here !== undefined && here.status !== 'queued') return here
    const answers = await this.#questions.ask(['result', requestId])
    const found = answers.flatMap(({ peerId, payload }) => {
      try {
        return payload.length === 0 ? [] : [decodeResult(payload)]
      } catch (error) {
        this.#o.logger.warn('malformed asynchronous result', { peerId, reason: messageOf(error) })
        return []
      }
    })
    // Who saw its end knows more than who has a copy.
    return found.find((result) => result.status !== 'queued') ?? here ?? found[0]
  }

  async #resultHere(requestId: string): Promise<AsyncResult | undefined> {
    const stored = this.#owner.get(requestId) ?? this.#holding.copies.get(requestId)?.stored
    if (stored === undefined) {
      const bytes = await this.#o.disk.ask('result', requestId)
      return bytes === undefined ? undefined : decodeResult(bytes)
    }
    const { event, state } = stored
    return {
      requestId,
      ...subjectOf(event),
      status: 'queued',
      condition: undefined,
      attempts: state.starts,
      acceptedAt: event.acceptedAt,
      settledAt: undefined,
      executedVersion: undefined,
      functionError: undefined,
      payload: undefined,
      payloadCut: false,
      owner: this.#holding.copies.get(requestId)?.owner ?? this.#o.mesh.peerId
    }
  }

  async deadLetters(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
    const letters = await this.#deadLetters.list(filter)
    return letters.slice(0, limit).map(({ result, eventBytes, event }) => ({ result, eventBytes, event }))
  }

  async deadLetter(requestId: string): Promise<DeadLetter | undefined> {
    checkEventId(requestId)
    return (await this.deadLetters({ requestId }, 1))[0]
  }

  async redrive(filter: DeadLetterFilter): Promise<[string, string][]> {
    const again: [string, string][] = []
    for (const { result } of await this.#deadLetters.list(filter)) {
      const [letter] = await this.#deadLetters.list({ requestId: result.requestId })
      if (letter?.event === undefined) continue
      const id = this.#o.random.uuid()
      // A new chain: a person has looked at it.
      const event = { ...letter.stored.event, id, acceptedAt: this.#o.clock.now(), lineage: { root: id, hops: {} } }
      await new Promise<void>((resolve, reject) => {
        const owned = this.#owner.create(event, letter.event as Uint8Array, [], (error, known) => {
          if (error !== undefined) reject(error)
          else {
            if (!known) this.#runner.add(owned)
            resolve()
          }
        })
      })
      await this.#bury([result.requestId])
      again.push([result.requestId, id])
    }
    return again
  }

  async purge(filter: DeadLetterFilter): Promise<number> {
    const buried = new Set<string>()
    // A page at a time, until there is nothing that was not seen before. Neither a node that cannot forget nor one that has ever new ones keeps this going.
    for (let page = 0; page < PURGE_PAGES_MAX; page++) {
      const ids = (await this.#deadLetters.list(filter)).map(({ result }) => result.requestId).filter((id) => !buried.has(id))
      if (ids.length === 0) break
      for (let from = 0; from < ids.length; from += ASK_IDS_MAX) await this.#bury(ids.slice(from, from + ASK_IDS_MAX))
      for (const id of ids) buried.add(id)
    }
    return buried.size
  }

  async #bury(ids: string[]): Promise<void> {
    await Promise.all([this.#buryHere(ids), this.#questions.ask(['bury', ids])])
  }

  async #buryHere(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#commits.add(['bury', id])
    await this.#commits.flush()
    this.#runner.deadLetters = await this.#o.disk.ask('deadCount')
  }

  async #countDead(): Promise<void> {
    try {
      this.#runner.deadLetters = await this.#o.disk.ask('deadCount')
    } catch (error) {
      this.#o.logger.warn('dead letters could not be counted', { reason: messageOf(error) })
    }
  }

  stats(): AsyncStats {
    const now = this.#o.clock.now()
    let oldest = now
    for (const { event } of this.#owner.all()) if (event.acceptedAt < oldest) oldest = event.acceptedAt
    return {
      events: this.#owner.count,
      running: this.#runner.running,
      delayed: this.#runner.delayed,
      bytes: this.#owner.bytes,
      oldestMs: now - oldest,
      copies: this.#holding.copies.count,
      accepted: this.#accepted,
      takenOver: this.#holding.takenOver,
      settled: { ...this.#runner.settled },
      deadLetters: this.#runner.deadLetters,
      startDelays: this.#runner.startDelays,
      depths: this.#runner
        .depths()
        .sort(([, a], [, b]) => b - a)
        .slice(0, 100)
    }
  }

  drain(): void {
    this.#draining = true
    this.#runner.stopped = true
  }

  resume(): void {
    this.#draining = false
    this.#handOver.undo()
    this.#runner.stopped = false
    this.#runner.dispatch()
  }

  async handOver(): Promise<Left> {
    this.drain()
    return await this.#handOver.all()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.drain()
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    await this.#handOver.some()
    await this.#commits.flush()
    await this.#o.disk.close()
  }

  /** Of timers that are late together this one may come first: leases are judged when the tick has given them the time that this node stood still. */
  #judge(): void {
    if (!this.#recovery.asleep) this.#holding.judge()
  }

  #tick(): void {
    const now = this.#o.clock.monotonic()
    if (this.#recovery.slept()) {
      this.#o.logger.warn('this node was not awake for longer than its lease; it asks before it goes on', {})
      this.#holding.copies.forgive(now)
      this.#recovery.begin(
        [...this.#owner.all()].filter((owned) => owned.holders.length > 0),
        now
      )
    }
    this.#recovery
      .step(now, (owned) => this.#recovered(owned))
      .catch((error) => this.#o.logger.error('recovery of the queue failed', { reason: messageOf(error) }))
    this.#owner.tick(now)
    this.#runner.tick()
  }

  /** Still this node's. What was left over from before its start may have run. */
  #recovered(owned: OwnedEvent): void {
    if (owned.phase !== 'limbo') return
    if (owned.mayHaveRun) {
      owned.starts++
      this.#owner.changed(owned)
    }
    this.#runner.add(owned)
  }

  #prune(): void {
    this.#o.disk
      .ask('prune', this.#o.clock.now())
      .then(async (lost) => {
        if (lost > 0) this.#o.logger.warn('dead letters were dropped before their time: too many', { lost })
        this.#runner.deadLetters = await this.#o.disk.ask('deadCount')
      })
      .catch((error) => this.#o.logger.error('old results could not be removed', { reason: messageOf(error) }))
  }

  #answer(peerId: string, request: IncomingRequest): void {
    const question = checkQuestion(request.header)
    this.#answerTo(peerId, question).then(
      (payload) => request.reply(undefined, payload),
      (error) =>
        request.fail(error instanceof PeerlessError ? error : new PeerlessError('INTERNAL', 'the queue failed', { cause: error }))
    )
  }

  async #answerTo(peerId: string, question: ReturnType<typeof checkQuestion>): Promise<Uint8Array> {
    switch (question[0]) {
      case 'know': {
        const [, ids] = question
        const settled = new Set(await this.#o.disk.ask('settled', ids))
        return encodeCodes(ids.map((id) => this.#holding.knowledgeOf(id, peerId, settled)))
      }
      case 'lacks': {
        const [, kind, ids] = question
        // One that goes for good itself is counted on for nothing.
        const lacked = this.#holding.closed ? ids : await this.#o.disk.ask('lacked', kind, ids)
        const lacks = new Set(lacked)
        return encodeCodes(ids.map((id) => (lacks.has(id) ? 1 : 0)))
      }
      case 'result': {
        const result = await this.#resultHere(question[1])
        return result === undefined ? NOTHING : encodeResult(result)
      }
      case 'dead': {
        const [, limit, id, account, functionName] = question
        return encodeDead(await this.#deadLetters.page(limit, { id, account, functionName }))
      }
      case 'bury':
        await this.#buryHere(question[1])
        return NOTHING
    }
  }
}
