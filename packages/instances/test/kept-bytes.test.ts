import test from 'ava'
import { KeptBytes } from '../src/kept-bytes.ts'

const of = (length: number) => new Uint8Array(length)

test('what was used longest ago goes first, and what is too large is not kept', (t) => {
  const kept = new KeptBytes({ bytesMax: 100, entryBytesMax: 60, entriesMax: 3 })
  kept.set('a', of(40))
  kept.set('b', of(40))
  t.is(kept.get('a')?.length, 40)
  kept.set('c', of(40))
  t.deepEqual(
    ['a', 'b', 'c'].map((name) => kept.has(name)),
    [true, false, true]
  )
  kept.set('large', of(61))
  t.false(kept.has('large'))
  t.true(kept.has('a'))
})

test('a name has one entry, and its bytes count once', (t) => {
  const kept = new KeptBytes({ bytesMax: 100, entryBytesMax: 100, entriesMax: 3 })
  for (let turn = 0; turn < 10; turn++) kept.set('a', of(50))
  kept.set('b', of(50))
  t.true(kept.has('a'))
  kept.set('a', of(101))
  t.false(kept.has('a'))
  kept.delete('b')
  kept.delete('b')
  kept.set('whole', of(100))
  t.true(kept.has('whole'))
})

test('their number is bounded too', (t) => {
  const kept = new KeptBytes({ bytesMax: 100, entryBytesMax: 100, entriesMax: 3 })
  for (const name of ['a', 'b', 'c', 'd']) kept.set(name, of(1))
  t.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => kept.has(name)),
    [false, true, true, true]
  )
})
