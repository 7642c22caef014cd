/**
 * How far a revision is trusted. `probation`: it has not shown yet how it behaves; `proven`: it has; `quarantine`: it made the daemon
 * end a process.
 */
export type Standing = 'probation' | 'proven' | 'quarantine'
export const STANDINGS: readonly Standing[] = ['probation', 'proven', 'quarantine']

/** As it is kept: revision id, standing, good calls in that standing, offences. */
export type StandingEntry = readonly [id: string, standing: Standing, goodCalls: number, offences: number]

/** Calls in which the instance stayed whole before a revision is proven. */
export const PROVEN_CALLS_MIN = 100
/** The same after a first offence; four times as many after each further one. */
export const RELEASE_CALLS_MIN = 1_000
const RELEASE_GROWTH = 4
const RELEASE_CALLS_MAX = 1_000_000
/** Revisions that are remembered though no instance of them lives. */
export const REVISIONS_REMEMBERED_MAX = 4_096

interface Record {
  standing: Standing
  goodCalls: number
  offences: number
}

/** What each revision has shown on this node. Pure: it is told what happened, and starts nothing. */
export class Conduct {
  readonly #records = new Map<string, Record>()
  readonly #changed: (offence: boolean) => void

  /**
   * @param entries what revisions had shown before
   * @param changed called after a standing changed
   */
  constructor(entries: readonly StandingEntry[] = [], changed: (offence: boolean) => void = () => undefined) {
    for (const [id, standing, goodCalls, offences] of entries) this.#records.set(id, { standing, goodCalls, offences })
    this.#changed = changed
  }

  /** All that is worth remembering: who has shown nothing yet is on probation anyhow. */
  entries(): StandingEntry[] {
    const entries: StandingEntry[] = []
    for (const [id, { standing, goodCalls, offences }] of this.#records) {
      if (standing !== 'probation' || offences > 0) entries.push([id, standing, goodCalls, offences])
    }
    return entries
  }

  of(revisionId: string): Standing {
    return this.#records.get(revisionId)?.standing ?? 'probation'
  }

  /** A call after which the instance can be used again. Returns the standing from now on. */
  good(revisionId: string): Standing {
    const record = this.#recordOf(revisionId)
    if (record.standing === 'proven') return 'proven'
    record.goodCalls++
    const before = record.standing
    if (before === 'probation' && record.goodCalls >= PROVEN_CALLS_MIN) record.standing = 'proven'
    if (before === 'quarantine' && record.goodCalls >= releaseCallsOf(record.offences)) {
      record.standing = 'probation'
      record.goodCalls = 0
    }
    if (record.standing !== before) this.#changed(false)
    return record.standing
  }

  /** It made the daemon end a process, or may have. */
  offend(revisionId: string): void {
    const record = this.#recordOf(revisionId)
    record.standing = 'quarantine'
    record.goodCalls = 0
    record.offences++
    this.#changed(true)
  }

  #recordOf(revisionId: string): Record {
    const known = this.#records.get(revisionId)
    if (known !== undefined) return known
    if (this.#records.size >= REVISIONS_REMEMBERED_MAX) this.#forgetOne()
    const record: Record = { standing: 'probation', goodCalls: 0, offences: 0 }
    this.#records.set(revisionId, record)
    return record
  }

  /** The oldest without an offence; else the oldest. */
  #forgetOne(): void {
    let oldest: string | undefined
    for (const [id, { offences }] of this.#records) {
      oldest ??= id
      if (offences > 0) continue
      oldest = id
      break
    }
    if (oldest !== undefined) this.#records.delete(oldest)
  }
}

function releaseCallsOf(offences: number): number {
  return Math.min(RELEASE_CALLS_MAX, RELEASE_CALLS_MIN * RELEASE_GROWTH ** (offences - 1))
}
