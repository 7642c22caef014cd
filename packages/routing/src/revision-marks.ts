import { MARKED_REVISIONS_MAX } from './constants.ts'

/** Revisions that something holds for, each for the same time from when it was last seen. Told the time, in monotonic milliseconds. */
export class RevisionMarks {
  readonly #lastMs: number
  /** Until when, the earliest first. */
  readonly #until = new Map<string, number>()

  constructor(lastMs: number) {
    this.#lastMs = lastMs
  }

  has(revisionId: string, now: number): boolean {
    return now < (this.#until.get(revisionId) ?? now)
  }

  /** Returns how many are marked now. */
  mark(revisionId: string, now: number): number {
    this.#until.delete(revisionId)
    for (const [earliest, until] of this.#until) {
      if (now < until && this.#until.size < MARKED_REVISIONS_MAX) break
      this.#until.delete(earliest)
    }
    this.#until.set(revisionId, now + this.#lastMs)
    return this.#until.size
  }
}
