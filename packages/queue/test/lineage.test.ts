import { extendLineage, firstTrace, isRecursive, type Lineage, lineageMark, lineageOf, traceOf } from '@peerless/interface'
import test from 'ava'

const ID = '01234567-89ab-4def-8123-456789abcdef'

test('a lineage survives the header, and counts each function', (t) => {
  let lineage: Lineage = { root: ID, hops: {} }
  for (let call = 0; call < 16; call++) {
    t.false(isRecursive(lineage))
    lineage = extendLineage(extendLineage(lineage, 'ping'), 'pong')
  }
  t.false(isRecursive(lineage), 'sixteen calls of each may be')
  t.deepEqual(lineageOf(traceOf(lineage, ID)), lineage)
  t.true(isRecursive(extendLineage(lineage, 'pong')))
  const wide = Array.from({ length: 65 }, (_, index) => `function-${index}`).reduce(extendLineage, { root: ID, hops: {} })
  t.true(isRecursive(wide))
  t.deepEqual(lineageOf(traceOf(wide, ID)), wide, 'and it still fits')
})

test('the trace of a first call is the one that its lineage makes', (t) => {
  const first = extendLineage({ root: ID, hops: {} }, 'hello')
  t.is(firstTrace(ID, 'hello'), traceOf(first, ID))
  t.is(
    firstTrace(ID, 'hello'),
    `Root=1-01234567-89ab4def8123456789abcdef;Parent=8123456789abcdef;Sampled=0;Lineage=${lineageMark('hello')}:1`
  )
  t.is(lineageMark('hello'), '4f9f2cab', 'FNV-1a, so that nodes of every version agree')
})

test('a header that says nothing of a chain begins one, whatever is in it', (t) => {
  for (const nothing of [undefined, '', 'Lineage=01234567:3', 'Root=1-1-2;Lineage=01234567:3', `Root=${'x'.repeat(3_000)}`])
    t.is(lineageOf(nothing), undefined)
  const root = 'Root=1-01234567-89ab4def8123456789abcdef'
  t.deepEqual(lineageOf(root), { root: ID, hops: {} })
  t.deepEqual(lineageOf(`Self=1-a-b;${root};Lineage=1:a87bd80c:0|__proto__:9|0123456789:1|01234567:3`), { root: ID, hops: {} })
  t.deepEqual(lineageOf(`${root};Lineage=a87bd80c:5|01234567:99999999|c512fbe3:2`), {
    root: ID,
    hops: { a87bd80c: 5, c512fbe3: 2 }
  })
})
