import type { Invocation } from '@peerless/interface'
import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { Conduct } from '../src/conduct.ts'
import type { ExecutorPool } from '../src/executor-pool.ts'
import { InstanceShelf } from '../src/instance-shelf.ts'
import { PROMPT_CALLS_MIN } from '../src/limits.ts'
import { type Executor, type Instance, newRunning } from '../src/records.ts'

const INVOCATION = { functionName: 'f', account: 'default', version: { revisionId: 'one' } } as Invocation

/** Instances of one revision in executors that are only noted down. */
function stage() {
  const pool = {
    settle: (executor: Executor, instance: Instance) => executor.instances.set(instance.id, instance),
    leave: (executor: Executor, instance: Instance) => executor.instances.delete(instance.id)
  } as unknown as ExecutorPool
  const shelf = new InstanceShelf(new VirtualClock(), new SeededRandom(1), pool, new Conduct(), 2)
  const executor = () =>
    ({
      process: { alive: true, dispose: () => undefined },
      instances: new Map(),
      draining: false,
      condemned: false,
      suspended: undefined
    }) as unknown as Executor
  /** One that is ready. */
  const idle = (of: Executor) => {
    const instance = shelf.add(INVOCATION, of)
    shelf.park(instance)
    return instance
  }
  return { shelf, executor, idle }
}

test('an executor that is to end and answers again takes no idle instance of another with it', (t) => {
  const { shelf, executor, idle } = stage()
  const [silent, other] = [executor(), executor()]
  idle(silent)
  const stays = idle(other)
  shelf.suspend(silent)
  silent.draining = true
  shelf.resume(silent)
  t.is(silent.instances.size, 0)
  t.is(shelf.idle.get('one'), 1)
  t.is(shelf.take('one'), stays)
})

for (const [why, end] of [
  ['must leave its executor', (shelf: InstanceShelf, lane: Instance) => shelf.moveOut([lane])],
  ['is in an executor that is to end', (_: InstanceShelf, lane: Instance) => (lane.executor.draining = true)]
] as const) {
  test(`on an instance that ${why} no more calls are stacked, or it would never be rid of them`, (t) => {
    const { shelf, executor, idle } = stage()
    const lane = idle(executor())
    for (let call = 0; call < PROMPT_CALLS_MIN; call++) shelf.notePrompt(lane, true)
    t.is(shelf.take('one'), lane)
    lane.calls.push(newRunning(INVOCATION, () => undefined))
    t.is(shelf.take('one'), lane, 'others are stacked on it')
    end(shelf, lane)
    t.is(shelf.take('one'), undefined)
    shelf.count(lane.revision)
    t.false(shelf.idle.has('one'))
    lane.calls.length = 0
    shelf.park(lane)
    t.is(lane.state, 'gone')
  })
}
