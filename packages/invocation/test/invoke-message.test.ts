import test from 'ava'
import fc from 'fast-check'
import { invocationFromWire, replyFromWire } from '../src/invoke-message.ts'

const FUZZ_SEED = 20261124

test('nothing that a peer can send makes the readers throw anything but MALFORMED', (t) => {
  fc.assert(
    fc.property(fc.anything(), fc.array(fc.anything(), { maxLength: 14 }), (any, list) => {
      for (const alleged of [any, list, ['ran', ...list], ['refused', ...list]]) {
        for (const read of [() => invocationFromWire(alleged), () => replyFromWire('n', 128, alleged, new Uint8Array(0))]) {
          try {
            read()
          } catch (error) {
            if ((error as { code?: string }).code !== 'MALFORMED') throw error
          }
        }
      }
    }),
    { seed: FUZZ_SEED, numRuns: 1_000 }
  )
  t.pass()
})

/** The header of a plain order, and the members that came to it later. */
function orderOf({ attempt = 1, http = false }: { attempt?: unknown; http?: boolean }, ...later: unknown[]): unknown[] {
  return [
    '00000000-0000-4000-8000-000000000000',
    attempt,
    http,
    'hello',
    'rev-1',
    1_000,
    false,
    null,
    'arn',
    '$LATEST',
    false,
    ...later
  ]
}

test('the trace of a chain comes along, and one without end does not', (t) => {
  const order = (...trace: unknown[]) => orderOf({}, null, ...trace)
  t.is(invocationFromWire(orderOf({})).trace, undefined)
  t.is(invocationFromWire(order('Root=1-a;Lineage=b:1')).trace, 'Root=1-a;Lineage=b:1')
  t.like(invocationFromWire(order(null, true)), { trace: undefined, body: undefined, onlyIdle: true })
  t.like(invocationFromWire(order('a', true)), { trace: 'a', onlyIdle: true })
  for (const wrong of [['x'.repeat(2_049)], [7], [null], ['a', 'b'], ['a', false], ['a', true, true]])
    t.like(
      t.throws(() => invocationFromWire(order(...wrong))),
      { code: 'MALFORMED' }
    )
})

test('what no receipt can hold is refused before anything runs or is charged', (t) => {
  const order = (attempt: unknown) => orderOf({ attempt })
  t.is(invocationFromWire(order(255)).attempt, 255)
  for (const attempt of [0, 1.5, 256, -1, Number.NaN]) {
    t.like(
      t.throws(() => invocationFromWire(order(attempt))),
      { code: 'MALFORMED' }
    )
  }
  const carrying = (body: unknown, http = true) => orderOf({ http }, body)
  t.deepEqual(invocationFromWire(carrying([5, true])).body, { bytes: 5, base64: true })
  const bodies = [carrying([0, true]), carrying([5]), carrying([5, 1]), carrying([-1, true]), carrying([2 ** 31, true])]
  for (const alleged of [...bodies, carrying(null), carrying([5, true], false)]) {
    t.like(
      t.throws(() => invocationFromWire(alleged)),
      { code: 'MALFORMED' }
    )
  }
  const reply = (time: unknown, durationUs: unknown) => [
    'ran',
    0,
    time,
    durationUs,
    null,
    null,
    null,
    false,
    'i',
    null,
    null,
    null,
    null
  ]
  t.deepEqual(replyFromWire('n', 128, reply(1, 2), new Uint8Array(0)).settlement, { time: 1, durationUs: 2 })
  for (const [time, durationUs] of [
    [1.5, 2],
    [2 ** 48, 2],
    [1, 0.5],
    [1, 2 ** 32]
  ]) {
    t.like(
      t.throws(() => replyFromWire('n', 128, reply(time, durationUs), new Uint8Array(0))),
      { code: 'MALFORMED' }
    )
  }
})

test('headers of a peer are held to the rules of a function', (t) => {
  const reply = (headers: unknown) => ['ran', 0, 1, 1_000, null, null, null, false, 'i', 200, headers, null, null]
  t.notThrows(() => replyFromWire('n', 128, reply(['x-a', 'b']), new Uint8Array(0)))
  for (const headers of [
    ['x-a'],
    ['x a', 'b'],
    ['x-a', 'b\r\nset-cookie: c'],
    ['x-a', 7],
    [`x${'a'.repeat(300)}`, 'b'],
    'x',
    ['x-a', '\u0100']
  ]) {
    t.like(
      t.throws(() => replyFromWire('n', 128, reply(headers), new Uint8Array(0))),
      { code: 'MALFORMED' }
    )
  }
})
