import { type Clock, chargeOf, type Receipt, type Tariff, type Timer } from '@peerless/interface'
import type { CommandOf } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { RowBuffer, unitsOf } from './receipt-row.ts'

export interface RecorderOptions {
  readonly self: string
  readonly tariff: Tariff
  readonly clock: Clock
  readonly batchReceiptsMax: number
  readonly batchMsMax: number
  /** Of the mesh that are connected, this one included. */
  readonly nodes: () => number
  readonly post: (command: CommandOf<'rows'>) => void
  /** Told at most once a second. */
  readonly lost: (reason: string, receipts: number) => void
  readonly mischarged: (receipt: Receipt, charge: number) => void
}

const COMPLAIN_EVERY_MS = 1_000

/** The hot path: receipts into rows, rows into batches. No promise, no hash, no object per receipt. */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #self: RowBuffer
  readonly #lanes = new Map<string, RowBuffer>()
  readonly #seen = new Map<string, RowBuffer>()
  #timer: Timer | undefined
  /** Receipts handed over and not acknowledged. */
  #backlog = 0
  #lost = 0
  #complainedMs = Number.NEGATIVE_INFINITY
  /** Batches in a row that were closed by their time with few receipts. */
  #light = 0
  /** Receipts of the open batch. */
  #count = 0
  #closedMs = Number.NEGATIVE_INFINITY

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#self = new RowBuffer(LEDGER_LIMITS.statementRowsMax)
  }

  /** Receipts that were dropped: malformed, or beyond the backlog. */
  get lost(): number {
    return this.#lost
  }

  /** Receipts handed over that are not on the disk yet. */
  get backlog(): number {
    return this.#backlog
  }

  stored(receipts: number): void {
    this.#backlog -= receipts
  }

  record(receipt: Receipt): void {
    const { self, batchReceiptsMax } = this.#options
    const executed = receipt.executor === self
    const called = receipt.caller === self
    let buffer: RowBuffer
    let role: 'self' | 'lane' | 'seen'
    let peer: string
    if (executed && called) {
      buffer = this.#self
      role = 'self'
      peer = self
    } else if (executed || called) {
      role = executed ? 'lane' : 'seen'
      peer = executed ? receipt.caller : receipt.executor
      const buffers = executed ? this.#lanes : this.#seen
      const open = buffers.get(peer)
      if (open === undefined) {
        buffer = new RowBuffer(batchReceiptsMax)
        buffers.set(peer, buffer)
      } else buffer = open
    } else {
      this.#lose('it is neither called nor executed here')
      return
    }
    let appended = buffer.append(receipt)
    if (appended === 'full') {
      this.#close(role, peer, buffer)
      appended = buffer.append(receipt)
    }
    if (appended !== 'ok') {
      this.#lose('a value breaks its bound')
      return
    }
    // The charge is derived from what is signed; that the client was told the same is checked here, where a difference is a bug.
    if (receipt.charge !== unitsOf(receipt.durationUs, receipt.memoryMb, this.#options.tariff)) this.#mischarged(receipt)
    if (buffer.count >= (role === 'self' ? LEDGER_LIMITS.statementRowsMax : batchReceiptsMax)) this.#close(role, peer, buffer)
    else if (++this.#count >= LEDGER_LIMITS.lightReceipts && this.#light >= LEDGER_LIMITS.lightBatchesPerStep) {
      this.#light = 0
      this.closeAll()
    } else this.#timer ??= this.#options.clock.after(this.#batchMs(), () => this.#timeOut())
  }

  /** Hands over what was seen of this executor, before its offer is judged. */
  closeSeen(peer: string): void {
    const buffer = this.#seen.get(peer)
    if (buffer !== undefined) this.#close('seen', peer, buffer)
  }

  /** Hands over what ran here for this caller, which asks for it. */
  closeLane(peer: string): void {
    const buffer = this.#lanes.get(peer)
    if (buffer !== undefined) this.#close('lane', peer, buffer)
  }

  closeAll(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#count = 0
    this.#closedMs = this.#options.clock.monotonic()
    this.#close('self', this.#options.self, this.#self)
    this.#closeEach('seen', this.#seen)
    this.#closeEach('lane', this.#lanes)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #timeOut(): void {
    this.#light = this.#count < LEDGER_LIMITS.lightReceipts ? this.#light + 1 : 0
    this.closeAll()
  }

  /** Of a batch that opens now. Those with receipts in the last one are likely those of this one. */
  #batchMs(): number {
    const { batchMsPerCallerAndNode, batchMsMost, lightStretchMost, lightBatchesPerStep, lightPauseMs } = LEDGER_LIMITS
    const { clock, batchMsMax, nodes } = this.#options
    if (clock.monotonic() - this.#closedMs > lightPauseMs) this.#light = 0
    const stretch = Math.min(lightStretchMost, 1 + Math.floor(this.#light / lightBatchesPerStep))
    const callers = this.#lanes.size + (this.#self.count > 0 ? 1 : 0)
    return Math.max(batchMsMax * stretch, Math.min(batchMsMost, callers * nodes() * batchMsPerCallerAndNode))
  }

  #closeEach(role: 'lane' | 'seen', buffers: Map<string, RowBuffer>): void {
    for (const [peer, buffer] of buffers) {
      // A peer that was silent for a whole batch gives its buffer back.
      if (buffer.count === 0) buffers.delete(peer)
      else this.#close(role, peer, buffer)
    }
  }

  #close(role: 'self' | 'lane' | 'seen', peer: string, buffer: RowBuffer): void {
    const { count } = buffer
    if (count === 0) return
    const { rows, kinds } = buffer.take()
    if (this.#backlog + count > LEDGER_LIMITS.backlogReceiptsMax) {
      this.#lose(`${this.#backlog} receipts wait for the disk, at most ${LEDGER_LIMITS.backlogReceiptsMax}`, count)
      return
    }
    this.#backlog += count
    this.#options.post({ op: 'rows', role, peer, rows, kinds })
  }

  #lose(reason: string, count = 1): void {
    this.#lost += count
    if (this.#mayComplain()) this.#options.lost(reason, this.#lost)
  }

  #mischarged(receipt: Receipt): void {
    if (!this.#mayComplain()) return
    this.#options.mischarged(receipt, chargeOf(receipt.durationUs / 1_000, receipt.memoryMb, this.#options.tariff).charge)
  }

  #mayComplain(): boolean {
    const now = this.#options.clock.monotonic()
    if (now - this.#complainedMs < COMPLAIN_EVERY_MS) return false
    this.#complainedMs = now
    return true
  }
}
