import { messageOf, PeerlessError } from '@peerless/interface'
import { type CheckedStatement, checkStatement, continueLane, headOf, type LaneHead } from './check.ts'
import type { CommandMap, CoreEvent, FeedHead } from './commands.ts'
import { higher } from './fold.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { isOld, mayLackParent, oldBefore, Pruning, Retention } from './retention.ts'
import { decodeBody, HASH_BYTES, hexOf, type SignedStatement, ZERO_HASH } from './statement.ts'
import type { LedgerStore } from './store.ts'

const NO_PARENT = hexOf(ZERO_HASH)

/** What this node knows of all lanes: heads in memory, statements on disk, and the feed by which others fetch what they lack. */
export class Replica {
  /** Highest counted statement by lane. */
  readonly laneHeads = new Map<string, LaneHead>()
  /** Lanes with two statements of one number. */
  readonly forks = new Set<string>()
  /** Who signed two statements of one number. This node signs and accepts nothing of theirs any more; what counts does not change. */
  readonly frozen = new Set<string>()
  feedLast = 0
  /** Statements that count or prove a fork. */
  shown = 0
  readonly retention: Retention
  /** There may be old statements that should have gone: a walk was cut off, or one came late. */
  #untidy = true
  readonly #mesh: string
  readonly #store: LedgerStore
  readonly #self: string
  readonly #say: (event: CoreEvent) => void
  /** XOR over all that is shown: equal sets have equal digests, in whatever order they came. */
  #digest = Buffer.alloc(HASH_BYTES)
  #digestSaved = ''
  /** Hashes of the branch that counts, per forked lane; built when asked for. */
  readonly #branches = new Map<string, Set<string>>()

  constructor(mesh: string, store: LedgerStore, self: string, say: (event: CoreEvent) => void) {
    this.#mesh = mesh
    this.#store = store
    this.#self = self
    this.#say = say
    this.retention = new Retention(store)
  }

  /** Reads everything in memory anew from the disk. */
  load(): void {
    this.laneHeads.clear()
    this.forks.clear()
    this.frozen.clear()
    this.#branches.clear()
    for (const { hash, lane, body } of this.#store.heads()) {
      try {
        this.#raise(headOf(hexOf(hash), hexOf(lane), decodeStored(body)))
      } catch (error) {
        // The rest still serves, and verify must be able to run to name the entry.
        const fields = { lane: hexOf(lane), reason: messageOf(error) }
        this.#say({ type: 'log', level: 'error', message: 'a lane on disk cannot be read and is left out of balances', fields })
      }
    }
    for (const { lane, seq } of this.#store.forks()) this.#noteFork(hexOf(lane), seq, false)
    this.retention.load()
    this.#untidy = true
    this.shown = this.#store.shown()
    // The highest may have been pruned: its number is not given again, for peers have passed it.
    this.feedLast = Math.max(this.#store.feedLast(), Number(this.#store.meta('feed') ?? 0))
    this.#digestSaved = this.#store.meta('digest') ?? NO_PARENT
    this.#digest = Buffer.from(this.#digestSaved, 'hex')
  }

  saveDigest(): void {
    const digest = this.#digest.toString('hex')
    if (digest === this.#digestSaved) return
    this.#store.setMeta('digest', digest)
    this.#digestSaved = digest
  }

  heads(after: number): Omit<CommandMap['heads']['out'], 'store'> {
    return {
      last: this.feedLast,
      pruned: this.retention.own,
      itemisedFrom: this.retention.itemisedFrom,
      shown: this.shown,
      digest: Uint8Array.from(this.#digest),
      heads: this.#store.feed(after, LEDGER_LIMITS.headsMax)
    }
  }

  missing(heads: FeedHead[]): Uint8Array[] {
    return heads
      .filter(({ hash, counted }) => {
        const standing = this.#store.standing(hash)
        return standing !== 'counted' && (counted || standing !== 'evidence')
      })
      .map((head) => head.hash)
  }

  /** Head of the counted statement with this hash, as the parent of another; undefined when there is none. */
  parentOf(statement: CheckedStatement): LaneHead | undefined {
    const prev = hexOf(statement.decoded.prev)
    if (prev === NO_PARENT) return undefined
    const head = this.laneHeads.get(statement.lane)
    if (head?.hash === prev) return head
    const stored = this.#store.find(prev)
    return stored?.counted === true ? headOf(prev, hexOf(stored.lane), decodeStored(stored.body)) : undefined
  }

  /** True when the statement's parent counts here, or it is the first. */
  hasParent(statement: CheckedStatement): boolean {
    return statement.decoded.seq === 1 || this.parentOf(statement) !== undefined
  }

  /**
   * A statement that another node holds: checked in full, stored and counted.
   * @param itemisedFrom from when on the other has all: of what begins before, the statement that this one follows may be gone
   * @returns false when it cannot be taken yet: its parent is missing, or it is half signed and contradicts nothing here
   * @throws MALFORMED when it can never be taken
   */
  take(statement: SignedStatement, hash: string, itemisedFrom: number): boolean {
    // Not the whole of it: most of what comes is here, and may be large.
    const standing = this.#store.standing(Buffer.from(hash, 'hex'))
    if (standing === 'counted') return true
    const whole = statement.callerSignature !== undefined || isSelfAttested(statement)
    // Evidence that is here is not checked again: it comes from everybody.
    if (!whole && standing !== 'unknown') return true
    if (!whole) return this.takeEvidence(checkStatement(this.#mesh, statement, { rows: false }))
    const checked = checkStatement(this.#mesh, statement)
    if (this.#isPruned(checked)) return true
    if (!this.hasParent(checked)) {
      if (mayLackParent(checked.decoded.timeMin, itemisedFrom)) {
        // Its totals are cumulative, and signed by all who must sign them. No more is taken for pruned than it needs.
        this.retention.sawPruned(Math.min(itemisedFrom, checked.decoded.timeMin + LEDGER_LIMITS.spanMsMax))
      } else if (!this.#branchesOffPruned(checked)) return false
    }
    if (standing === 'unknown') this.count(checked, false)
    // The answer to the offer was lost: the caller leaves it to this node to tell the others.
    else this.accept(checked, standing === 'evidence', checked.decoded.executor === this.#self)
    return true
  }

  /** Keeps a half-signed statement if there is another of the same number: together they prove a fork. */
  takeEvidence(checked: CheckedStatement): boolean {
    if (this.#store.standing(Buffer.from(checked.hash, 'hex')) !== 'unknown') return true
    const others = this.#store.ofNumber(checked.lane, checked.decoded.seq)
    // One that was pruned proves nothing any more, and will not come again.
    if (others.length === 0) return this.#isPruned(checked)
    // Its receipts prove nothing more than the signed root does.
    const evidence = { ...checked, rows: new Uint8Array(0) }
    this.#store.insert(evidence, { counted: false, feed: this.#nextFeed(), pending: undefined })
    this.#mix(checked.hash, false)
    for (const other of others) {
      if (other.feed !== undefined) continue
      this.#store.publish(hexOf(other.hash), this.#nextFeed())
      this.#mix(hexOf(other.hash), false)
    }
    this.#noteFork(checked.lane, checked.decoded.seq, true)
    return true
  }

  /** Stores a checked statement with all its signatures as counted. @throws MALFORMED when it does not continue its lane */
  count(checked: CheckedStatement, own: boolean): void {
    const head = this.#headAfter(checked)
    const forked = this.#store.ofNumber(checked.lane, checked.decoded.seq).length > 0
    this.#store.insert(checked, { counted: true, feed: this.#nextFeed(), pending: undefined })
    this.#mix(checked.hash, true)
    this.#raise(head)
    if (forked) this.#noteFork(checked.lane, checked.decoded.seq, true)
    if (own) this.#say({ type: 'made', hash: checked.hash })
  }

  /** Counts a statement that was stored without the caller's signature. @param wasShown as evidence */
  accept(checked: CheckedStatement, wasShown: boolean, own: boolean): void {
    const head = this.#headAfter(checked)
    this.#store.accept(checked, this.#nextFeed())
    if (wasShown) {
      this.shown--
      this.#mix(checked.hash, false)
    }
    this.#mix(checked.hash, true)
    this.#raise(head)
    // Of two that its executor signed, the caller has now signed both.
    if (wasShown) this.#noteFork(checked.lane, checked.decoded.seq, true)
    if (own) this.#say({ type: 'made', hash: checked.hash })
  }

  /** Old statements go from now on, where there are any: the next steps of pruning remove them. */
  startPruning(itemisedFrom: number): Pruning | undefined {
    if (itemisedFrom <= this.retention.own && !this.#untidy) return undefined
    const pruning = new Pruning(this.#store, Math.max(itemisedFrom, this.retention.own), this.forks)
    if (!pruning.worthwhile) return undefined
    this.#untidy = false
    this.retention.advance(itemisedFrom)
    this.#store.setMeta('feed', String(this.feedLast))
    this.#store.markPruned()
    return pruning
  }

  /** A counted statement is no longer here. */
  removed(hash: string): void {
    this.shown--
    this.#mix(hash, true)
  }

  /** True for a statement of the branch of a forked lane that does not count. */
  losesFork(lane: string, hash: string): boolean {
    if (!this.forks.has(lane)) return false
    let branch = this.#branches.get(lane)
    if (branch === undefined) {
      branch = new Set()
      const byHash = new Map(this.#store.counted(lane).map((one) => [hexOf(one.hash), one]))
      for (let at = this.laneHeads.get(lane)?.hash; at !== undefined; ) {
        branch.add(at)
        const found = byHash.get(at)
        at = found === undefined ? undefined : hexOf(decodeStored(found.body).prev)
      }
      this.#branches.set(lane, branch)
    }
    return !branch.has(hash)
  }

  /** An old one that a later old one of its lane has replaced here. */
  #isPruned({ lane, decoded }: CheckedStatement): boolean {
    const { own } = this.retention
    return isOld(decoded.timeMin, own) && !this.forks.has(lane) && this.#store.hasHigher(lane, decoded.seq, oldBefore(own))
  }

  /**
   * True for one that begins where its lane is pruned: a second branch, whose old part was passed over for the first one's. Who still has both counts the higher, and so must
   * everybody else; they would never agree again.
   */
  #branchesOffPruned({ lane, decoded }: CheckedStatement): boolean {
    if (this.retention.itemisedFrom === 0) return false
    return this.forks.has(lane) || (this.#store.lowest(lane) ?? 0) >= decoded.seq
  }

  #nextFeed(): number {
    this.shown++
    return ++this.feedLast
  }

  #headAfter(checked: CheckedStatement): LaneHead {
    const { decoded, hash, lane } = checked
    this.#untidy ||= isOld(decoded.timeMin, this.retention.own)
    const parent = this.parentOf(checked)
    const orphan =
      parent === undefined &&
      decoded.seq > 1 &&
      (mayLackParent(decoded.timeMin, this.retention.itemisedFrom) || this.#branchesOffPruned(checked))
    return orphan ? headOf(hash, lane, decoded) : continueLane(parent, checked)
  }

  #raise(head: LaneHead): void {
    const known = this.laneHeads.get(head.lane)
    this.laneHeads.set(head.lane, known === undefined ? head : higher(known, head))
    if (this.forks.has(head.lane)) this.#branches.delete(head.lane)
  }

  /** @param tell others are to have the proof. Of one node they need one, however many it makes: the rest is left to anti-entropy. */
  #noteFork(lane: string, seq: number, tell: boolean): void {
    const stored = this.#store.ofNumber(lane, seq)
    const [one] = stored
    if (one === undefined) return
    const { executor, caller } = decodeStored(one.body)
    const both = stored.filter((other) => other.callerSignature !== undefined).length > 1
    const known = this.frozen.size
    // Of lanes of this node itself nobody else can make any.
    const ownLane = executor === this.#self && !this.forks.has(lane)
    this.forks.add(lane)
    this.#branches.delete(lane)
    if (executor !== this.#self) this.frozen.add(executor)
    if (both && caller !== this.#self) this.frozen.add(caller)
    if (this.frozen.size === known && !ownLane) return
    if (tell) for (const { hash, feed } of stored) if (feed !== undefined) this.#say({ type: 'made', hash: hexOf(hash) })
    this.#say({
      type: 'log',
      level: 'error',
      message: 'a node signed two different statements of one number; it is trusted no more',
      fields: { lane, seq, executor, caller: both ? caller : undefined }
    })
  }

  #mix(hash: string, counted: boolean): void {
    const bytes = Buffer.from(hash, 'hex')
    if (!counted) bytes[0] = (bytes[0] as number) ^ 0x80
    for (let index = 0; index < HASH_BYTES; index++) {
      this.#digest[index] = (this.#digest[index] as number) ^ (bytes[index] as number)
    }
  }
}

function isSelfAttested(statement: SignedStatement): boolean {
  const { caller, executor } = decodeBody(statement.body)
  return caller === executor
}

function decodeStored(body: Uint8Array): ReturnType<typeof decodeBody> {
  try {
    return decodeBody(body)
  } catch (error) {
    throw new PeerlessError('CORRUPT', 'a stored ledger statement cannot be read; verify names it', { cause: error })
  }
}
