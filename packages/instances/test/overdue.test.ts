import test from 'ava'
import { GRACE_MS, INIT_MS_MAX } from '../src/limits.ts'
import { watchDeadlines } from '../src/overdue.ts'
import type { Instance } from '../src/records.ts'

type Parts = Parameters<typeof watchDeadlines>[2]

/** Those whose start is ended when it is looked at then. */
function endedAt(now: number, starts: { overdueAt: number; othersEndedAt: number }[]): number[] {
  const instances = starts.map(
    ({ overdueAt, othersEndedAt }, id) =>
      ({
        id,
        state: 'starting',
        executor: { startedAt: othersEndedAt },
        calls: [{ overdueAt, onThread: false, invocation: { requestId: `r${id}` } }]
      }) as unknown as Instance
  )
  const ended: number[] = []
  const endStart: Parts['endStart'] = ({ id }) => ended.push(id)
  watchDeadlines(instances, now, { endStart } as unknown as Parts)
  return ended
}

test('a start is overdue when no other of its executor has ended for as long as one may take: before that its turn may not have come', (t) => {
  const limit = INIT_MS_MAX + GRACE_MS
  const starts = [
    { overdueAt: limit, othersEndedAt: 0 },
    { overdueAt: limit, othersEndedAt: 5_000 },
    { overdueAt: 3 * limit, othersEndedAt: 0 }
  ]
  t.deepEqual(endedAt(limit - 1, starts), [])
  t.deepEqual(endedAt(limit, starts), [0])
  t.deepEqual(endedAt(limit + 5_000, starts), [0, 1])
})
