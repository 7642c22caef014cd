import test from 'ava'
import { choosePlace } from '../src/placement.ts'
import type { Executor, Instance, Revision } from '../src/records.ts'

const revision = (id: string, standing: Revision['standing']) => ({ id, standing }) as Revision
/** One in which such an instance lives. */
const executorOf = (lives: Revision) =>
  ({
    standing: lives.standing,
    ward: undefined,
    instances: new Map([[1, { revision: lives } as Instance]])
  }) as unknown as Executor

test('unproven code is spread over as many processes as proven code, where one waits that has started', (t) => {
  const own = revision('own', 'probation')
  const home = executorOf(own)
  t.deepEqual(choosePlace([home], own, 2, true), { executor: home, adopt: true })
  t.deepEqual(choosePlace([home], own, 2, false), { executor: home, adopt: false })
  t.deepEqual(choosePlace([home], own, 1, true), { executor: home, adopt: false })
  const second = executorOf(own)
  t.false(choosePlace([home, second], own, 2, true).adopt, 'not over more')
})

test('unproven code never goes to a stranger because no process waits ready', (t) => {
  const own = revision('own', 'probation')
  for (const ready of [true, false]) {
    t.true(choosePlace([], own, 2, ready).adopt)
    t.true(choosePlace([executorOf(revision('other', 'probation'))], own, 2, ready).adopt)
    t.true(choosePlace([executorOf(revision('other', 'proven'))], own, 2, ready).adopt)
  }
})
