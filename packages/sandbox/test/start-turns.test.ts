import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { StartTurns } from '../src/start-turns.ts'

function line(atOnce: number) {
  const clock = new VirtualClock()
  const begun: number[] = []
  const leaves: (() => void)[] = []
  const turns = new StartTurns({
    atOnce,
    after: (ms, then) => {
      const timer = clock.after(ms, then)
      return () => timer.cancel()
    },
    soon: (then) => clock.after(0, then)
  })
  const take = (id: number) =>
    turns.take((leave) => {
      begun.push(id)
      leaves[id] = leave
    })
  return { clock, begun, leaves, take }
}

test('so many compute at once, the others in their order, one after the other', async (t) => {
  const { clock, begun, leaves, take } = line(2)
  for (let id = 0; id < 6; id++) take(id)
  await clock.advance(0)
  t.deepEqual(begun, [0, 1])
  leaves[1]?.()
  t.deepEqual(begun, [0, 1], 'what came in meanwhile goes first')
  await clock.advance(0)
  t.deepEqual(begun, [0, 1, 2])
  leaves[0]?.()
  leaves[0]?.()
  leaves[2]?.()
  await clock.advance(0)
  t.deepEqual(begun, [0, 1, 2, 3, 4], 'a turn is given back once')
})

test('one that computes for long, or waits, gives its turn back', async (t) => {
  const { clock, begun, leaves, take } = line(1)
  take(0)
  take(1)
  take(2)
  await clock.advance(99)
  t.deepEqual(begun, [0])
  await clock.advance(1)
  t.deepEqual(begun, [0, 1])
  leaves[0]?.()
  await clock.advance(0)
  t.deepEqual(begun, [0, 1], 'its turn was over')
})

test('one that was given up is not begun', async (t) => {
  const { clock, begun, leaves, take } = line(1)
  take(0)
  const giveUp = take(1)
  take(2)
  giveUp()
  leaves[0]?.()
  await clock.advance(0)
  t.deepEqual(begun, [0, 2])
})
