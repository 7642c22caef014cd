import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { HELD_MS_MAX } from '../src/constants.ts'
import { HeldCalls } from '../src/held-calls.ts'

function held(slots: number, latencyMs = 100) {
  const clock = new VirtualClock()
  const instances = { slots, busy: slots, latencyMs: () => latencyMs }
  const [begun, refused]: [string[], string[]] = [[], []]
  const begin = (call: string) => {
    instances.busy++
    begun.push(call)
  }
  return {
    clock,
    instances,
    begun,
    refused,
    calls: new HeldCalls<string>({ clock, instances, begin, refuse: (call) => refused.push(call) })
  }
}

test('a call that comes a moment too early begins when a slot is free, in the order in which they came', (t) => {
  const { instances, begun, refused, calls } = held(64)
  t.true(calls.hold('a'))
  t.true(calls.hold('b'))
  t.false(calls.hold('c'), 'a thirty-second of the slots, and no more')
  calls.freed()
  t.deepEqual(begun, [])
  instances.busy--
  calls.freed()
  t.deepEqual(begun, ['a'])
  t.true(calls.hold('d'))
  instances.busy -= 2
  calls.freed()
  t.deepEqual(begun, ['a', 'b', 'd'])
  t.deepEqual(refused, [])
})

test('who is held too long is refused, each after its own time, and never begins', async (t) => {
  const { clock, instances, begun, refused, calls } = held(64)
  calls.hold('a')
  await clock.advance(HELD_MS_MAX / 2)
  calls.hold('b')
  await clock.advance(HELD_MS_MAX / 2)
  t.deepEqual(refused, ['a'])
  await clock.advance(HELD_MS_MAX / 2)
  t.deepEqual(refused, ['a', 'b'])
  instances.busy = 0
  calls.freed()
  t.deepEqual(begun, [])
  t.is(calls.length, 0)
})

test('what its caller took back neither begins nor is refused', async (t) => {
  const { clock, instances, begun, refused, calls } = held(64)
  calls.hold('a')
  calls.hold('b')
  calls.withdraw('a')
  instances.busy--
  calls.freed()
  await clock.advance(2 * HELD_MS_MAX)
  t.deepEqual([begun, refused], [['b'], []])
})

test('one is held at a node of few slots, nobody at one without any, nor where calls are so long that none comes free in time', (t) => {
  const few = held(8)
  t.true(few.calls.hold('a'))
  t.false(few.calls.hold('b'))
  t.false(held(0, 0).calls.hold('a'))
  t.false(held(64, 64 * HELD_MS_MAX + 1).calls.hold('a'))
})
