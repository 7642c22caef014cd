import {
  type Clock,
  type IncomingRequest,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError,
  type Random,
  type Reply,
  type Timer,
  TOPIC
} from '@peerless/interface'
import { CatchUp } from './catch-up.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { hashesOf, headsPayload, headsRequestOf, offerReplyHeader, offerReplyOf, statementsOf } from './messages.ts'
import { newPeerWork, type PeerWork } from './peer-work.ts'
import type { CoreHost } from './runner.ts'
import { authorsOf, type SignedStatement } from './statement.ts'
import { StatementPush } from './statement-push.ts'

export interface ExchangeOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly boot: Uint8Array
  readonly storeId: string
  readonly isMember: (peerId: string) => boolean
  /** Hands over what was seen of an executor. */
  readonly closeSeen: (peer: string) => void
  /** Hands over what ran here for a caller. */
  readonly closeLane: (peer: string) => void
  /** Connected peers that new statements are sent to directly. */
  readonly pushPeersMax: number
}

/** The ledger's talk with other nodes: offers, pushes, anti-entropy. Knows no rule of the ledger; the core decides. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #host: CoreHost
  readonly #work = new Map<string, PeerWork>()
  readonly #catchingUp: CatchUp
  readonly #running = new Set<Promise<void>>()
  readonly #push: StatementPush
  #timers: Timer[] = []
  #storeTimer: Timer | undefined
  #stopped = false

  constructor(options: ExchangeOptions, host: CoreHost) {
    this.#options = options
    this.#host = host
    const { mesh, clock, logger } = options
    this.#catchingUp = new CatchUp({
      host,
      logger,
      clock,
      boot: options.boot,
      byMembers: (statement) => this.#byMembers(statement),
      storeSoon: () => this.#storeSoon(),
      call: (...args) => this.#call(...args)
    })
    this.#push = new StatementPush({
      mesh,
      clock,
      logger,
      directPeersMax: options.pushPeersMax,
      read: (hashes) => host.call({ op: 'pull', hashes }),
      call: (...args) => this.#call(...args)
    })
  }

  start(): void {
    const { mesh, clock } = this.#options
    mesh.handle(MESSAGE.LEDGER_OFFER, (peer, request) => this.#serve(peer, request, () => this.#onOffer(peer, request)))
    mesh.handle(MESSAGE.LEDGER_HEADS, (peer, request) => this.#serve(peer, request, () => this.#onHeads(peer, request)))
    mesh.handle(MESSAGE.LEDGER_PULL, (peer, request) => this.#serve(peer, request, () => this.#onPull(request)))
    mesh.handle(MESSAGE.LEDGER_PUSH, (peer, request) => this.#serve(peer, request, () => this.#onPush(peer, request)))
    mesh.handle(MESSAGE.LEDGER_CLAIM, (peer, request) => this.#serve(peer, request, () => this.#onClaim(peer, request)))
    mesh.subscribe(TOPIC.LEDGER, (from, bytes) => this.#onGossip(from, bytes))
    mesh.onPeer((peer, connected) => {
      if (connected) this.sync(peer)
    })
    for (const peer of mesh.peers()) this.sync(peer)
    this.#timers.push(clock.every(LEDGER_LIMITS.antiEntropyMs, () => this.#antiEntropy()))
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    this.#push.stop()
    this.#storeTimer?.cancel()
    for (const { askSoon } of this.#work.values()) askSoon?.cancel()
  }

  /** Resolves when no offer is under way. */
  async offersSettled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Resolves when connected executors have claimed all that this node saw of them, or after a bounded time. */
  async claimsSettled(): Promise<void> {
    const until = this.#options.clock.monotonic() + LEDGER_LIMITS.claimsWaitMs
    while (!this.#stopped && this.#options.clock.monotonic() < until) {
      if ((await this.#host.call({ op: 'unclaimed', executors: this.#options.mesh.peers() })) === 0) return
      await this.#wait(LEDGER_LIMITS.unseenRetryMs)
    }
  }

  /**
   * Has connected executors claim now what this node saw of them; resolves when they have, or after a bounded time.
   * @returns whether any was asked
   */
  async claimsAsked(): Promise<boolean> {
    const { mesh, clock } = this.#options
    const owed = await Promise.all(
      mesh.peers().map(async (peer) => ((await this.#host.call({ op: 'unclaimed', executors: [peer] })) > 0 ? [peer] : []))
    )
    const asked = owed.flat().map((peer) => this.#call(peer, MESSAGE.LEDGER_CLAIM, []).catch(() => undefined))
    if (asked.length === 0 || this.#stopped) return false
    const late = Promise.withResolvers<void>()
    const timer = clock.after(LEDGER_LIMITS.claimsAskedMs, late.resolve)
    await Promise.race([Promise.all(asked), late.promise])
    timer.cancel()
    return true
  }

  /** Resolves when the connected peers have what this node made, or after a bounded time. */
  async pushesSettled(): Promise<void> {
    if (this.#stopped) return
    await Promise.race([this.#push.settled(), this.#wait(LEDGER_LIMITS.pushedWaitMs)])
  }

  /** Statements for this caller wait. */
  offer(peer: string): void {
    const work = this.#workOf(peer)
    work.offerAgain = true
    if (work.offering || this.#stopped || !this.#connected(peer)) return
    work.offering = true
    const running: Promise<void> = this.#offerAll(peer, work).finally(() => {
      work.offering = false
      this.#running.delete(running)
    })
    work.offered = running
    this.#running.add(running)
  }

  /** The peer may have what this node lacks. */
  sync(peer: string): void {
    const work = this.#workOf(peer)
    work.syncAgain = true
    if (work.syncing || this.#stopped) return
    work.syncing = true
    void this.#catchUp(peer, work).finally(() => {
      work.syncing = false
    })
  }

  /** A statement of this node is for others to have. */
  made(hash: Uint8Array): void {
    this.#push.made(hash)
  }

  /** What was taken over since the last transaction may be gone: the cursors that are on disk have not passed it. */
  rolledBack(era: number): void {
    this.#catchingUp.rolledBack(era)
  }

  /** Acceptances and what peers made wait for the next transaction; when none comes, for this. */
  #storeSoon(): void {
    this.#storeTimer ??= this.#options.clock.after(LEDGER_LIMITS.storeMs, () => {
      this.#storeTimer = undefined
      if (!this.#stopped) this.#host.post({ op: 'barrier' })
    })
  }

  async #offerAll(peer: string, work: PeerWork): Promise<void> {
    try {
      while (work.offerAgain && this.#connected(peer)) {
        work.offerAgain = false
        for (let fruitless = 0; fruitless < LEDGER_LIMITS.fruitlessOffersMax; ) {
          const offer = await this.#host.call({ op: 'nextOffer', peer })
          if (offer === undefined || this.#stopped) break
          const answer = await this.#call(peer, MESSAGE.LEDGER_OFFER, [], offer.bytes)
          const reply = offerReplyOf(answer.header)
          const settled = await this.#host.call({ op: 'offerResult', peer, hashes: offer.hashes, reply })
          this.#storeSoon()
          fruitless = settled ? 0 : fruitless + 1
          if (!settled) await this.#wait(Math.max(LEDGER_LIMITS.unseenRetryMs, reply.retryAfterMs))
        }
      }
    } catch (error) {
      // The next connection, batch or round of anti-entropy tries again; the statements are on disk.
      work.offerAgain = true
      this.#options.logger.debug('ledger: offer ended early', { peer, reason: messageOf(error) })
    }
  }

  async #catchUp(peer: string, work: PeerWork): Promise<void> {
    try {
      for (let round = 0; work.syncAgain && round < LEDGER_LIMITS.syncRoundsMax && this.#connected(peer); round++) {
        work.syncAgain = false
        if (await this.#catchingUp.round(peer, work)) work.syncAgain = true
      }
    } catch (error) {
      this.#options.logger.debug('ledger: catching up ended early', { peer, reason: messageOf(error) })
    }
  }

  #byMembers(statement: SignedStatement): boolean {
    const { mesh, isMember } = this.#options
    return authorsOf(statement.body)?.every((author) => author === mesh.peerId || isMember(author)) === true
  }

  async #onOffer(peer: string, request: IncomingRequest): Promise<void> {
    const { clock } = this.#options
    const bytes = Uint8Array.from(request.payload)
    const until = clock.monotonic() + LEDGER_LIMITS.unseenGraceMs
    for (;;) {
      this.#options.closeSeen(peer)
      const nowMs = clock.monotonic()
      const reply = await this.#host.call({ op: 'offer', peer, bytes, final: nowMs >= until, nowMs })
      if (reply !== undefined) {
        if (reply.refused !== undefined) {
          this.#options.logger.warn('ledger: a statement was refused', {
            peer,
            reason: reply.refused.reason,
            what: reply.refused.message,
            receipts: Buffer.from(reply.refused.receipts.subarray(0, 170)).toString('hex')
          })
        }
        request.reply(offerReplyHeader(reply))
        return
      }
      await this.#wait(LEDGER_LIMITS.unseenRetryMs)
    }
  }

  async #onClaim(peer: string, request: IncomingRequest): Promise<void> {
    this.#options.closeLane(peer)
    // The offer begins with the news that a statement is on disk, which comes before this is answered.
    await this.#host.call({ op: 'barrier' })
    await this.#workOf(peer).offered
    request.reply([])
  }

  async #onHeads(peer: string, request: IncomingRequest): Promise<void> {
    const { boot, after } = headsRequestOf(request.header)
    this.#host.post({ op: 'boot', peer, boot: Uint8Array.from(boot) })
    const answer = await this.#host.call({ op: 'heads', after })
    const { store, last, digest, pruned, itemisedFrom, shown } = answer
    request.reply([this.#options.boot, store, last, digest, pruned, itemisedFrom, shown], headsPayload(answer.heads))
  }

  async #onPull(request: IncomingRequest): Promise<void> {
    const hashes = hashesOf(request.payload).map((hash) => Uint8Array.from(hash))
    request.reply([], await this.#host.call({ op: 'pull', hashes }))
  }

  async #onPush(peer: string, request: IncomingRequest): Promise<void> {
    const work = this.#workOf(peer)
    // Who keeps to the rules sends the next when this one is answered.
    if (work.taking) {
      request.fail(new PeerlessError('BUSY', 'a push of this peer is looked at, at most one at a time'))
      return
    }
    work.taking = true
    try {
      await this.#take(peer, Uint8Array.from(request.payload))
    } finally {
      work.taking = false
    }
    request.reply([])
  }

  #onGossip(from: string, bytes: Uint8Array): void {
    const work = this.#workOf(from)
    // Anti-entropy brings what is dropped.
    if (this.#stopped || work.serving >= LEDGER_LIMITS.requestsPerPeerMax) return
    work.serving++
    this.#take(from, Uint8Array.from(bytes))
      .catch((error: unknown) =>
        this.#options.logger.warn('ledger: gossip was refused', { peer: from, reason: messageOf(error) })
      )
      .finally(() => {
        work.serving--
      })
  }

  /** Statements that came unasked. When what they follow is missing here, or there are none, their sender is asked. @throws MALFORMED */
  async #take(from: string, bytes: Uint8Array): Promise<void> {
    const allowed = statementsOf(bytes).map((statement) => this.#byMembers(statement))
    if (allowed.length === 0) {
      this.#askSoon(from)
      return
    }
    // What is sent unasked is new: what it follows is there.
    const { held } = await this.#host.call({ op: 'ingest', peer: from, bytes, allowed, itemisedFrom: 0 })
    this.#storeSoon()
    if (held.length > 0) this.#askSoon(from)
  }

  #askSoon(peer: string): void {
    const work = this.#workOf(peer)
    work.askSoon ??= this.#options.clock.after(LEDGER_LIMITS.askMs, () => {
      work.askSoon = undefined
      this.sync(peer)
    })
  }

  #antiEntropy(): void {
    const peers = this.#options.mesh.peers()
    for (const peer of this.#work.keys()) {
      const work = this.#workOf(peer)
      if (!peers.includes(peer) && !work.offering && !work.syncing && work.serving === 0) this.#work.delete(peer)
      else if (work.offerAgain) this.offer(peer)
    }
    const peer = peers[Math.floor(this.#options.random.next() * peers.length)]
    if (peer !== undefined) this.sync(peer)
  }

  /** Runs a handler with a bound per peer; what it throws is the answer. */
  #serve(peer: string, request: IncomingRequest, run: () => Promise<void>): void {
    const work = this.#workOf(peer)
    if (this.#stopped || work.serving >= LEDGER_LIMITS.requestsPerPeerMax) {
      const code = this.#stopped ? 'UNAVAILABLE' : 'BUSY'
      request.fail(
        new PeerlessError(
          code,
          `the ledger works on ${work.serving} requests of this peer, at most ${LEDGER_LIMITS.requestsPerPeerMax}`
        )
      )
      return
    }
    work.serving++
    run()
      .catch((error: unknown) => {
        const known = error instanceof PeerlessError
        this.#options.logger.warn('ledger: a request was refused', { peer, type: request.type, reason: messageOf(error) })
        request.fail(known ? error : new PeerlessError('INTERNAL', 'internal error', { cause: error }))
      })
      .finally(() => {
        work.serving--
      })
  }

  async #call(peer: string, type: number, header: unknown, payload?: Uint8Array): Promise<Reply> {
    const abort = new AbortController()
    const timer = this.#options.clock.after(LEDGER_LIMITS.exchangeTimeoutMs, () => abort.abort())
    try {
      return await this.#options.mesh.call(peer, type, header, payload, { carrier: 'bulk', signal: abort.signal })
    } finally {
      timer.cancel()
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve)
    })
  }

  #connected(peer: string): boolean {
    return !this.#stopped && this.#options.mesh.peers().includes(peer)
  }

  #workOf(peer: string): PeerWork {
    let work = this.#work.get(peer)
    if (work === undefined) {
      work = newPeerWork()
      this.#work.set(peer, work)
    }
    return work
  }
}
