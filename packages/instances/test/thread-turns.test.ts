import type { OnReply } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import type { Executor, Instance, Running } from '../src/records.ts'
import { newTurn, ThreadTurns } from '../src/thread-turns.ts'

/** An executor that answers only when it is told to. */
function stage() {
  const clock = new VirtualClock()
  const questions: OnReply[] = []
  const moved: string[] = []
  const sent: string[] = []
  const turns = new ThreadTurns(
    clock,
    (_, call) => sent.push(call.invocation.requestId),
    (_, held) => moved.push(...held.map(({ call }) => call.invocation.requestId)),
    () => undefined
  )
  const executor = {
    turn: newTurn(),
    startedAt: 0,
    process: { stepAside: (done: OnReply) => questions.push(done) }
  } as unknown as Executor
  const enter = (name: string, revision: string) => {
    const instance = { executor, revision: revisions[revision], calls: [] as Running[] } as unknown as Instance
    const call = { invocation: { requestId: name }, done: () => undefined, onThread: false } as unknown as Running
    instance.calls.push(call)
    return turns.enter(instance, call)
  }
  const revisions: Record<string, { manner: string }> = { one: { manner: 'short' }, other: { manner: 'short' } }
  return { clock, questions, moved, sent, enter }
}

test('what comes to an executor that has been asked and still does not answer goes elsewhere, too', async (t) => {
  const { clock, moved, questions, enter } = stage()
  t.true(enter('hangs', 'one'))
  t.false(enter('first', 'other'))
  await clock.advance(30)
  t.deepEqual(moved, ['first'])
  // It answered something else, so it was used again.
  t.false(enter('second', 'other'))
  await clock.advance(250)
  t.deepEqual(moved, ['first', 'second'])
  t.is(questions.length, 1)
})

test('what waits is sent in its order when the executor says that its thread is free', async (t) => {
  const { clock, moved, sent, questions, enter } = stage()
  t.true(enter('waits', 'one'))
  t.false(enter('first', 'other'))
  t.false(enter('second', 'one'))
  await clock.advance(1)
  t.deepEqual(sent, [])
  questions[0]?.(undefined, undefined)
  t.deepEqual(sent, ['first', 'second'])
  await clock.advance(1_000)
  t.deepEqual(moved, [])
})
