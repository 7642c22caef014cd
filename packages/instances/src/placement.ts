import type { Executor, Revision } from './records.ts'

/** Executors per account that hold unproven code; above that unproven revisions share. */
const PROBATION_EXECUTORS_MAX = 4
/** Executors per account that hold quarantined code; above that quarantined revisions share. */
const QUARANTINE_EXECUTORS_MAX = 4

export interface Place {
  /** The best there is. */
  executor: Executor | undefined
  /** Whether a further process would be better. */
  adopt: boolean
}

/**
 * In which of its account's executors a revision's next instance goes. Proven revisions share a few. One that has not proven itself has an
 * executor of its own as long as there are not too many, so that whatever it does there hits itself; one in quarantine likewise.
 *
 * @param own executors of the account that take instances
 * @param provenMax executors per account that hold proven code; an unproven revision may have as many of its own
 * @param spareReady whether a process waits that has started: where a revision has a home, a launch does not wait for another one to start
 */
export function choosePlace(own: readonly Executor[], revision: Revision, provenMax: number, spareReady: boolean): Place {
  const sorted = own.filter(({ standing }) => standing === revision.standing).sort((a, b) => a.instances.size - b.instances.size)
  const emptiest = sorted[0]
  if (revision.standing === 'proven') {
    return { executor: emptiest ?? leastOf(own), adopt: isWorthOneMore(emptiest, sorted.length < provenMax) }
  }
  const homes = sorted.filter((executor) => isHomeOf(executor, revision))
  const home = homes[0]
  if (home !== undefined) {
    const more = revision.standing === 'probation' && homes.length < provenMax && sorted.length < PROBATION_EXECUTORS_MAX
    return { executor: home, adopt: more && spareReady && home.instances.size > 0 }
  }
  if (revision.standing === 'probation' && emptiest?.instances.size === 0) return { executor: emptiest, adopt: false }
  const max = revision.standing === 'probation' ? PROBATION_EXECUTORS_MAX : QUARANTINE_EXECUTORS_MAX
  return { executor: emptiest ?? leastOf(own), adopt: sorted.length < max }
}

function isWorthOneMore(emptiest: Executor | undefined, room: boolean): boolean {
  return emptiest === undefined || (emptiest.instances.size > 0 && room)
}

/** Nothing else lives there. What was in quarantine leaves its process to nobody else. */
function isHomeOf(executor: Executor, revision: Revision): boolean {
  if (executor.standing === 'quarantine' && executor.ward !== revision.id) return false
  if (executor.instances.size === 0) return executor.standing === 'quarantine'
  for (const instance of executor.instances.values()) if (instance.revision !== revision) return false
  return true
}

/** Where there is no room for another process: rather among the unproven than among the proven. */
function leastOf(own: readonly Executor[]): Executor | undefined {
  return own.find(({ standing }) => standing === 'probation') ?? own[0]
}
