import { CommonHealth } from './common-health.ts'
import { HOT_QUANTILE, USUAL_MS } from './constants.ts'
import { UsualIdle } from './usual-idle.ts'

/** What a node says of itself, and what is usual for it. Never changed after it was made: it may be shared. */
export interface Report extends Told {
  /** Busy slots, as they were in the mean of the last USUAL_MS. */
  readonly usualBusy: number
}

/** What a node says of itself. */
export interface Told {
  readonly node: string
  readonly boot: number
  readonly sequence: number
  readonly slots: number
  readonly busy: number
  readonly inFlight: number
  readonly latencyMs: number
  readonly draining: boolean
  /** Idle instances per revisionId. */
  readonly idle: ReadonlyMap<string, number>
  /** Peers that fail for it now. */
  readonly failing: readonly string[]
  /** Local monotonic milliseconds at which it came. */
  readonly at: number
}

/** Buckets of the histogram of shares: 1/32 is finer than a slot of most nodes. */
const BUCKETS = 32

/**
 * The last whole report of every node, with the sums that the policy asks for at every decision, kept up with every change: what all together
 * carry, and above which share of its slots a node counts as hot. A node that drains or has no slots is in no sum.
 */
export class ReportBoard {
  readonly #reports = new Map<string, Report>()
  readonly #histogram = new Int32Array(BUCKETS + 1)
  readonly #health = new CommonHealth()
  readonly usualIdle: UsualIdle
  #counted = 0
  #busy = 0
  #slots = 0

  /** @param usualIdle of the board whose reports this one only takes */
  constructor(usualIdle: UsualIdle = new UsualIdle()) {
    this.usualIdle = usualIdle
  }

  get busy(): number {
    return this.#busy
  }

  get slots(): number {
    return this.#slots
  }

  get(node: string): Report | undefined {
    return this.#reports.get(node)
  }

  /** Returns undefined when it is not newer than what is known. */
  put(told: Told): Report | undefined {
    const known = this.#reports.get(told.node)
    if (known !== undefined && !isNewer(told, known)) return undefined
    const before = known?.boot === told.boot ? known : undefined
    if (before === undefined) this.usualIdle.forget(told.node)
    const kept = before === undefined ? 0 : 2 ** -(Math.max(0, told.at - before.at) / USUAL_MS)
    this.usualIdle.tell(told.node, told.idle, kept)
    const usualBusy = before === undefined ? told.busy : told.busy + (before.usualBusy - told.busy) * kept
    const report = { ...told, usualBusy }
    this.take(report)
    return report
  }

  /** A report of another board, which heard the same ones before: what is usual does not have to be worked out again, and is in that board's `usualIdle`. */
  take(report: Report): void {
    const known = this.#reports.get(report.node)
    if (known !== undefined) this.#count(known, -1)
    if (known?.boot !== report.boot) this.#health.forget(report.node)
    this.#health.tell(report.node, known?.failing ?? [], report.failing, report.at)
    this.#reports.set(report.node, report)
    this.#count(report, 1)
  }

  remove(node: string): void {
    const known = this.#reports.get(node)
    if (known === undefined) return
    this.#count(known, -1)
    this.usualIdle.forget(node)
    this.#health.tell(node, known.failing, [], known.at)
    this.#reports.delete(node)
  }

  /** The chance with which a call may go there, by what all say of its failures; `now` is the clock of the reports' `at`. */
  chance(node: string, now: number): number {
    return this.#health.chance(node, this.#reports.size, now)
  }

  /** Share of its slots above which a node is hot: the quantile over all nodes. 1 when nothing is known. */
  hotShare(): number {
    let left = HOT_QUANTILE * this.#counted
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#histogram[bucket] as number
      if (left < 0) return (bucket + 1) / BUCKETS
    }
    return 1
  }

  #count(report: Report, sign: 1 | -1): void {
    if (report.draining || report.slots <= 0) return
    // Whatever it says: with a mean above all its slots every node would look full to every other one.
    this.#busy += sign * Math.min(report.busy, report.slots)
    this.#slots += sign * report.slots
    this.#counted += sign
    const bucket = Math.min(BUCKETS, Math.floor((report.busy / report.slots) * BUCKETS))
    this.#histogram[bucket] = (this.#histogram[bucket] as number) + sign
  }
}

/** A restarted node's first report is newer than its old ones. */
export function isNewer(a: { boot: number; sequence: number }, b: { boot: number; sequence: number }): boolean {
  return a.boot > b.boot || (a.boot === b.boot && a.sequence > b.sequence)
}
