import { type AsyncResult, messageOf, PeerlessError } from '@peerless/interface'
import {
  ACCOUNT_SHARE,
  EVENT_BYTES_MAX,
  EVENTS_MAX,
  FUNCTION_SHARE,
  PAYLOAD_CACHE_BYTES_MAX,
  SETTLED_REMEMBERED_MAX,
  STORE_TRIES_MAX
} from './constants.ts'
import { encodeResult, type QueuedEvent, type StoredEvent } from './event.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Holders } from './holders.ts'
import type { QueueOptions } from './options.ts'
import { OwnedEvent } from './owned-event.ts'

/** `known`: another node owns it already, so it is accepted, but not here. */
type OnStored = (error: PeerlessError | undefined, known: boolean) => void

/** Until an event that could not be read is tried again: it still has fewer copies than it should. */
const COPY_RETRY_MS = 1_000
/** Re-made copies per tick: after the loss of a holder, new events still come first. */
const COPIES_PER_TICK_MAX = 256

interface Held {
  readonly events: number
  readonly bytes: number
}

const NOTHING: Held = { events: 0, bytes: 0 }

/** No account has a space in its name. */
const laneKey = (account: string, lane: string) => `${account} ${lane}`

/** The events that this node owns: puts them on disks, here and at holders, keeps the copies up, and writes their ends. */
export class Owner {
  readonly #o: QueueOptions
  readonly #commits: GroupCommit
  readonly #holders: Holders
  readonly #events = new Map<string, OwnedEvent>()
  /** Of each account, and of each of its lanes, for their bounds. */
  readonly #held = new Map<string, Held>()
  readonly #copyCounts = new Map<string, number>()
  /** Have fewer copies than wanted. */
  readonly #thin = new Set<OwnedEvent>()
  /** Ids that ended a moment ago. */
  readonly #settled = new Set<string>()
  #arriving = 0
  #copying = 0
  #bytes = 0
  #cachedBytes = 0

  constructor(options: QueueOptions, commits: GroupCommit, holders: Holders) {
    this.#o = options
    this.#commits = commits
    this.#holders = holders
  }

  get count(): number {
    return this.#events.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Events that are not durable yet: their senders wait. */
  get arriving(): number {
    return this.#arriving
  }

  /** Whether there are events that are over and whose ends are being written. */
  get isSettling(): boolean {
    for (const { phase } of this.#events.values()) if (phase === 'settling') return true
    return false
  }

  /** Copies that are made anew and are not on their holders' disks yet. */
  get copying(): number {
    return this.#copying
  }

  /** Looks for holders for all that has too few, as when a peer comes. */
  thicken(): void {
    for (const owned of this.#events.values()) if (owned.holders.length < this.#holders.wanted) this.#thin.add(owned)
  }

  /** The same for all that has none on another machine. */
  thickenOutside(): void {
    for (const owned of this.#events.values()) if (this.#holders.outside(owned.holders) === undefined) this.#thin.add(owned)
  }

  get(id: string): OwnedEvent | undefined {
    return this.#events.get(id)
  }

  all(): IterableIterator<OwnedEvent> {
    return this.#events.values()
  }

  wasSettled(id: string): boolean {
    return this.#settled.has(id)
  }

  remember(id: string): void {
    this.#settled.add(id)
    if (this.#settled.size <= SETTLED_REMEMBERED_MAX) return
    for (const oldest of this.#settled) {
      this.#settled.delete(oldest)
      return
    }
  }

  /** @throws THROTTLED, TOO_LARGE is the gateway's */
  checkRoom(account: string, lane: string, bytes: number): void {
    const what = `the queue of this node holds ${this.count} events of ${this.#bytes} bytes`
    const full = (rule: string) =>
      new PeerlessError('THROTTLED', `${what}, ${rule}; try again later or at another node`, { detail: { retryAfterMs: 1_000 } })
    if (this.count >= EVENTS_MAX) throw full(`at most ${EVENTS_MAX} events`)
    if (this.#bytes + bytes > EVENT_BYTES_MAX) throw full(`at most ${EVENT_BYTES_MAX} bytes`)
    for (const [key, whose, share] of [
      [laneKey(account, lane), lane, FUNCTION_SHARE],
      [account, `account '${account}'`, ACCOUNT_SHARE]
    ] as const) {
      const own = this.#held.get(key) ?? NOTHING
      if (own.events >= EVENTS_MAX * share) throw full(`and ${own.events} of them are of ${whose}, at most ${EVENTS_MAX * share}`)
      if (own.bytes + bytes > EVENT_BYTES_MAX * share)
        throw full(`and ${own.bytes} of these are of ${whose}, at most ${EVENT_BYTES_MAX * share} bytes`)
    }
  }

  /**
   * Puts a new event on this disk and on its holders'. `stored` is called once; the event is this node's only without error and not known.
   * @param sender somebody outside waits to hear of it; `alone` where nobody else can have made an event of its id
   */
  create(
    event: QueuedEvent,
    payload: Uint8Array,
    prefer: readonly string[],
    stored: OnStored,
    sender?: { readonly alone: boolean }
  ): OwnedEvent {
    const holders = this.#holders.choose(prefer)
    const state = { term: 1, starts: 0, failures: 0, notBefore: 0, holders }
    const owned = new OwnedEvent({ event, state }, payload.length, payload, 'storing')
    this.#add(owned)
    if (sender !== undefined) this.#arriving++
    const meta = owned.meta()
    let open = 1 + holders.length
    let failure: PeerlessError | undefined
    let known = false
    const ended = () => {
      if (--open > 0) return
      if (sender !== undefined) this.#arriving--
      if (failure !== undefined || known) this.forget(owned, failure === undefined ? 'yielded' : 'failed')
      else if (this.#cachedBytes > PAYLOAD_CACHE_BYTES_MAX) this.#uncache(owned)
      stored(failure, known)
    }
    this.#commits.add(['put', event.id, this.#o.mesh.peerId, meta, payload], (error) => {
      if (error !== undefined) failure = new PeerlessError('UNAVAILABLE', messageOf(error), { cause: error })
      ended()
    })
    const copied = (isKnown: boolean) => {
      known ||= isKnown
      ended()
    }
    for (const holder of holders) this.#copy(owned, holder, meta, payload, STORE_TRIES_MAX, copied, sender?.alone)
    if (holders.length < this.#holders.wanted) this.#thin.add(owned)
    return owned
  }

  /** An event of another node that is gone, or one of this node's from before its start. */
  adopt(stored: StoredEvent, bytes: number, phase: 'limbo' | 'waiting'): OwnedEvent {
    const owned = new OwnedEvent(stored, bytes, undefined, phase)
    this.#add(owned)
    if (owned.holders.length < this.#holders.wanted) this.#thin.add(owned)
    return owned
  }

  /** Its attempts changed: written here and told to the holders, soon but not at once. */
  changed(owned: OwnedEvent): void {
    const meta = owned.meta()
    this.#commits.add(['meta', owned.id, this.#o.mesh.peerId, meta])
    for (const holder of owned.holders) this.#holders.link(holder).changed(owned.id, meta)
  }

  /** Its end; `done` when it is on this disk, with the disk's error if not. */
  settle(owned: OwnedEvent, result: AsyncResult, dead: boolean, done: (error: Error | undefined) => void): void {
    const bytes = encodeResult(result)
    const at = result.settledAt ?? this.#o.clock.now()
    this.#commits.add(['settle', owned.id, at, bytes, dead, [result.account ?? null, result.functionName]], (error) => {
      if (error === undefined) {
        for (const holder of owned.holders) this.#holders.link(holder).settled(owned.id, bytes, dead)
        this.remember(owned.id)
        this.forget(owned, 'settled')
      }
      done(error)
    })
  }

  /** It is no longer this node's. */
  forget(owned: OwnedEvent, why: 'settled' | 'yielded' | 'failed'): void {
    if (owned.phase === 'gone') return
    owned.phase = 'gone'
    this.#events.delete(owned.id)
    this.#thin.delete(owned)
    this.#bytes -= owned.bytes
    this.#uncache(owned)
    for (const holder of owned.holders) this.#count(holder, -1)
    this.#tally(owned, -1)
    if (why !== 'settled') this.#commits.add(['drop', owned.id])
  }

  /** From memory or disk; undefined when the disk has lost it. */
  async payloadOf(owned: OwnedEvent): Promise<Uint8Array | undefined> {
    return owned.payload ?? (await this.#o.disk.ask('payload', owned.id))
  }

  /** It does not take over what it has copies of: others are to have them. */
  abandon(holder: string): void {
    this.#holders.avoid(holder)
    for (const owned of this.#events.values()) this.#lost(owned, holder)
  }

  /** A peer came or went: copies at one that went count no more. */
  onPeer(peerId: string, connected: boolean): void {
    this.#holders.connected(peerId, connected)
    if (connected) this.thicken()
    else for (const owned of this.#events.values()) if (owned.holders.includes(peerId)) this.#lost(owned, peerId)
  }

  tick(now: number): void {
    this.#holders.tick(now, this.#copyCounts)
    let budget = COPIES_PER_TICK_MAX
    if (this.#thin.size === 0 || this.#holders.choose().length === 0) return
    for (const owned of this.#thin) {
      if (budget-- === 0) break
      this.#thicken(owned)
    }
  }

  #thicken(owned: OwnedEvent): void {
    if (owned.phase === 'storing' || owned.phase === 'limbo') return
    const more = this.#holders.choose(owned.holders).filter((peerId) => !owned.holders.includes(peerId))
    if (more.length === 0 || owned.phase === 'settling') return
    this.#thin.delete(owned)
    this.payloadOf(owned).then(
      (payload) => {
        if (payload === undefined || owned.phase === 'gone' || owned.phase === 'settling') return
        this.#hold(owned, [...owned.holders, ...more])
        this.changed(owned)
        for (const holder of more) {
          this.#copying++
          this.#copy(owned, holder, owned.meta(), payload, STORE_TRIES_MAX, (known) => {
            this.#copying--
            if (known) this.forget(owned, 'yielded')
          })
        }
      },
      (error) => {
        this.#o.logger.error('a queued event cannot be read', { requestId: owned.id, reason: messageOf(error) })
        this.#o.clock.after(COPY_RETRY_MS, () => owned.phase !== 'gone' && this.#thin.add(owned))
      }
    )
  }

  /** One copy at a holder, or at another if that one fails; with none left the event has one copy less, until a peer comes. */
  #copy(
    owned: OwnedEvent,
    holder: string,
    meta: Uint8Array,
    payload: Uint8Array,
    tries: number,
    done: (known: boolean) => void,
    alone = false
  ): void {
    this.#holders.link(holder).store({
      id: owned.id,
      meta,
      payload,
      done: (error, known) => {
        // Nobody else owns what was made here a moment ago. Whoever says so keeps no copy, and what was accepted must not go with its word.
        const lies = alone && known && owned.phase !== 'gone'
        if (lies)
          this.#o.logger.warn('a holder says that it knows an event which was made here', { peerId: holder, requestId: owned.id })
        if (!lies && (error === undefined || owned.phase === 'gone')) {
          done(known && owned.phase !== 'gone')
          return
        }
        this.#holders.avoid(holder)
        this.#lost(owned, holder)
        const next =
          tries > 1
            ? this.#holders.choose(owned.holders, new Set([holder])).find((peerId) => !owned.holders.includes(peerId))
            : undefined
        if (next === undefined) {
          done(false)
          return
        }
        this.#thin.delete(owned)
        this.#hold(owned, [...owned.holders, next])
        const renewed = owned.meta()
        this.#commits.add(['meta', owned.id, this.#o.mesh.peerId, renewed])
        this.#copy(owned, next, renewed, payload, tries - 1, done, alone)
      }
    })
  }

  #lost(owned: OwnedEvent, holder: string): void {
    if (!owned.holders.includes(holder)) return
    this.#hold(
      owned,
      owned.holders.filter((peerId) => peerId !== holder)
    )
    this.#thin.add(owned)
  }

  #hold(owned: OwnedEvent, holders: readonly string[]): void {
    for (const holder of owned.holders) this.#count(holder, -1)
    owned.holders = holders
    for (const holder of holders) this.#count(holder, 1)
  }

  #add(owned: OwnedEvent): void {
    this.#events.set(owned.id, owned)
    this.#bytes += owned.bytes
    this.#tally(owned, 1)
    for (const holder of owned.holders) this.#count(holder, 1)
    if (owned.payload === undefined) return
    this.#cachedBytes += owned.bytes
  }

  /** What account and lane have, with it or without it. */
  #tally({ account, lane, bytes }: OwnedEvent, sign: 1 | -1): void {
    for (const key of [account, laneKey(account, lane)]) {
      const held = this.#held.get(key) ?? NOTHING
      const events = held.events + sign
      if (events === 0) this.#held.delete(key)
      else this.#held.set(key, { events, bytes: held.bytes + sign * bytes })
    }
  }

  /** Of an event that is durable: what does not fit the cache is read from disk when its turn comes. */
  #uncache(owned: OwnedEvent): void {
    if (owned.payload === undefined) return
    owned.payload = undefined
    this.#cachedBytes -= owned.bytes
  }

  #count(holder: string, change: number): void {
    const count = (this.#copyCounts.get(holder) ?? 0) + change
    if (count === 0) this.#copyCounts.delete(holder)
    else this.#copyCounts.set(holder, count)
  }
}
