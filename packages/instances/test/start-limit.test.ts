import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { StartLimit } from '../src/start-limit.ts'

function limit(cores: number) {
  const clock = new VirtualClock()
  let opened = 0
  const it = new StartLimit(clock, cores, () => opened++)
  return { clock, it, opened: () => opened }
}

/** Starts until there is no turn for another. */
function fill(it: StartLimit): (() => void)[] {
  const leaves: (() => void)[] = []
  while (it.open) leaves.push(it.enter())
  return leaves
}

test('two starts for each core compute at once, and who waits hears when one has ended, once', (t) => {
  const { it, opened } = limit(2)
  const leaves = fill(it)
  t.is(leaves.length, 4)
  leaves[0]?.()
  leaves[0]?.()
  t.is(opened(), 1)
  t.is(fill(it).length, 1)
})

test('a start that waits for something, or never ends, gives its turn back', async (t) => {
  const { clock, it, opened } = limit(1)
  const leaves = fill(it)
  await clock.advance(99)
  t.false(it.open)
  await clock.advance(1)
  t.is(opened(), leaves.length)
  t.is(fill(it).length, 2)
  for (const leave of leaves) leave()
  t.false(it.open, 'its turn was over')
})

test('one that could not wait for its turn takes that of another', (t) => {
  const { it, opened } = limit(1)
  const leaves = fill(it)
  const beyond = it.enter()
  leaves[0]?.()
  t.false(it.open)
  t.is(opened(), 0)
  beyond()
  t.true(it.open)
  t.is(opened(), 1)
})

test('where starts are slow fewer compute at once, one at least, and more again when they are not', (t) => {
  const { it } = limit(4)
  const width = () => {
    const leaves = fill(it)
    for (const leave of leaves) leave()
    return leaves.length
  }
  t.is(width(), 8)
  it.took(10)
  t.is(width(), 4)
  for (let start = 0; start < 10; start++) it.took(10)
  t.is(width(), 1)
  for (let start = 0; start < 4; start++) it.took(1)
  t.is(width(), 2)
  for (let start = 0; start < 1_000; start++) it.took(2)
  t.is(width(), 8)
})
