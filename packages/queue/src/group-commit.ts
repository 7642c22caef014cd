import { type Clock, type Logger, messageOf, type Timer } from '@peerless/interface'
import { BATCH_BYTES_MAX, BATCH_EVENTS_MAX, COMMIT_GAP_MS } from './constants.ts'
import type { Disk } from './disk.ts'
import type { StoreOp } from './store.ts'

type Done = (error: Error | undefined) => void

/**
 * Changes on their way to the disk: one commit is under way, what comes meanwhile shares the next. So a lone event waits for one fsync, and thousands
 * do not wait for one each.
 */
export class GroupCommit {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #logger: Logger
  /** Monotonic milliseconds. */
  #begunAt = Number.NEGATIVE_INFINITY
  #queue: { op: StoreOp; done: Done | undefined }[] = []
  #underWay = false
  #gap: Timer | undefined
  /** Somebody waits for all of it. */
  #hurried = false

  constructor(disk: Disk, clock: Clock, logger: Logger) {
    this.#disk = disk
    this.#clock = clock
    this.#logger = logger
  }

  /** `done` when it is on disk, or with the disk's error. Without `done` an error is logged, and what the change said is found out again after a start. */
  add(op: StoreOp, done?: Done): void {
    this.#queue.push({ op, done })
    this.#next()
  }

  /** When all that was given so far has ended. */
  flush(): Promise<void> {
    if (!this.#underWay && this.#queue.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#hurried = true
      this.add(['drop', ''], () => resolve())
      if (this.#gap === undefined) return
      this.#gap.cancel()
      this.#commit()
    })
  }

  #next(): void {
    if (this.#underWay || this.#queue.length === 0) return
    this.#underWay = true
    const waitMs = this.#begunAt + COMMIT_GAP_MS - this.#clock.monotonic()
    if (waitMs > 0 && this.#queue.length < BATCH_EVENTS_MAX && !this.#hurried)
      this.#gap = this.#clock.after(waitMs, () => this.#commit())
    else this.#commit()
  }

  #commit(): void {
    this.#gap = undefined
    this.#begunAt = this.#clock.monotonic()
    const batch = this.#takeBatch()
    this.#disk.commit(
      batch.map(({ op }) => op),
      (error) => {
        this.#underWay = false
        if (error !== undefined)
          this.#logger.error('the queue could not write', { changes: batch.length, reason: messageOf(error) })
        if (this.#queue.length === 0) this.#hurried = false
        for (const { done } of batch) done?.(error)
        this.#next()
      }
    )
  }

  #takeBatch(): { op: StoreOp; done: Done | undefined }[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX) {
      const { op } = this.#queue[count++] as { op: StoreOp }
      bytes += bytesOf(op)
    }
    return this.#queue.splice(0, count)
  }
}

function bytesOf(op: StoreOp): number {
  if (op[0] === 'put') return op[4].length
  if (op[0] === 'settle') return op[3].length
  return op[0] === 'keep' ? (op[3]?.length ?? 0) + (op[4]?.[1].length ?? 0) : 0
}
