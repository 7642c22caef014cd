import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { RecentBytes } from '../src/recent-bytes.ts'

const of = (length: number) => new Uint8Array(length)

function made(): { clock: VirtualClock; recent: RecentBytes } {
  const clock = new VirtualClock()
  const small = { bytesMax: 100, entryBytesMax: 50, entriesMax: 8 }
  return {
    clock,
    recent: new RecentBytes(clock, { small, large: { bytesMax: 1_000, entryBytesMax: 500, entriesMax: 2 }, largeMs: 60_000 })
  }
}

test('large ones go when none of them was asked for in so long, small ones stay', async (t) => {
  const { clock, recent } = made()
  recent.set('small', of(50))
  recent.set('one', of(51))
  await clock.advance(50_000)
  t.is(recent.get('one')?.length, 51)
  await clock.advance(50_000)
  t.true(recent.has('one'))
  await clock.advance(10_001)
  t.deepEqual([recent.get('one'), recent.get('small')?.length], [undefined, 50])
})

test('large ones take no room of small ones, and what neither takes is not kept', (t) => {
  const { recent } = made()
  recent.set('small', of(50))
  for (const name of ['one', 'two', 'three']) recent.set(name, of(400))
  recent.set('huge', of(501))
  t.deepEqual(
    ['small', 'one', 'two', 'three', 'huge'].map((name) => recent.has(name)),
    [true, false, true, true, false]
  )
})

test('a name has one entry, whatever its size was before', (t) => {
  const { recent } = made()
  recent.set('a', of(10))
  recent.set('a', of(400))
  t.is(recent.get('a')?.length, 400)
  recent.set('a', of(20))
  t.is(recent.get('a')?.length, 20)
  recent.delete('a')
  t.false(recent.has('a'))
})

test('nothing is timed any more after the end', async (t) => {
  const { clock, recent } = made()
  recent.set('one', of(51))
  recent.stop()
  // A reading that was under way.
  recent.set('two', of(51))
  await clock.advance(100_000)
  t.true(recent.has('one') && recent.has('two'))
})
