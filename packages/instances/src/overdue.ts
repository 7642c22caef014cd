import { timeoutErrorJson } from '@peerless/sandbox'
import type { Containment } from './containment.ts'
import type { ExecutorPool } from './executor-pool.ts'
import { INIT_MS_MAX, THREAD_MS_MAX } from './limits.ts'
import type { Instance, Running } from './records.ts'
import type { ThreadTurns } from './thread-turns.ts'

interface Parts {
  readonly pool: ExecutorPool
  readonly containment: Containment
  readonly turns: ThreadTurns
  /** A start that takes too long ends as a timeout with this error JSON. */
  readonly endStart: (instance: Instance, call: Running, errorJson: string) => void
}

/** Deadlines from outside. The oldest call of each instance is the one that runs, and the longest overdue of an executor's the one that holds it up. */
export function watchDeadlines(running: Iterable<Instance>, now: number, parts: Parts): void {
  const { pool, containment, turns } = parts
  for (const instance of running) {
    const call = instance.calls[0]
    if (call === undefined) continue
    const { executor } = instance
    if (call.onThread && now - call.startedAt > THREAD_MS_MAX) turns.ask(executor)
    if (now < call.overdueAt) continue
    if (instance.state === 'starting') {
      parts.endStart(instance, call, timeoutErrorJson(call.invocation.requestId, INIT_MS_MAX))
      continue
    }
    // Whoever is on the thread holds up the rest, whose time may be up first.
    containment.offended(executor, (turns.holderOf(executor) ?? instance.revision).id, 'deadline')
    pool.kill(executor, 'deadline')
    if (executor.culprit === undefined || call.overdueAt < executor.culprit.overdueAt) executor.culprit = call
  }
}
