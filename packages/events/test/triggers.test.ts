import type { Catalog, Clock, FunctionRecord, ScheduleTrigger } from '@peerless/interface'
import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { ACCOUNT_TRIGGERS_MAX } from '../src/constants.ts'
import type { Scheduler } from '../src/scheduler.ts'
import { CatalogTriggers } from '../src/triggers.ts'

test('one account may have half of the triggers of a mesh, and the others have theirs', async (t) => {
  const own = Array.from({ length: ACCOUNT_TRIGGERS_MAX }, (_, at) => ({ name: `t${at}`, account: 'loud' }) as ScheduleTrigger)
  const functions: Record<string, FunctionRecord> = {}
  for (const account of ['loud', 'quiet']) functions[account] = { name: account, account, latest: {} } as FunctionRecord
  const put: unknown[] = []
  const catalog = {
    get: (kind: string, name: string) => (kind === 'function' ? functions[name] : undefined),
    list: () => own,
    put: async (_kind: string, name: string) => put.push(name),
    inTurn: (_kind: string, _name: string, task: () => Promise<unknown>) => task()
  } as unknown as Catalog
  const scheduler = { nextAt: () => 0, ownerOf: () => 'a' } as unknown as Scheduler
  const clock: Clock = new VirtualClock()
  const triggers = new CatalogTriggers({ catalog, clock, random: new SeededRandom(1), scheduler })
  const order = { expression: 'rate(1 hour)' }
  await t.throwsAsync(triggers.addSchedule({ ...order, name: 'one-more', functionName: 'loud' }), {
    code: 'INVALID_ARGUMENT',
    message: /account 'loud' has 5000 triggers/
  })
  await triggers.addSchedule({ ...order, name: 'mine', functionName: 'quiet' })
  t.deepEqual(put, ['mine'])
})
