import { EventStreamCodec } from '@smithy/core/event-streams'
import test from 'ava'
import fc from 'fast-check'
import { encodeHeaders, encodeMessage } from '../src/eventstream.ts'

const SEED = 20261125
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text)
)

test("what is encoded here, AWS's own codec reads, and it encodes the same bytes", (t) => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }), fc.string({ maxLength: 200 }), {
        maxKeys: 5
      }),
      fc.uint8Array({ maxLength: 70_000 }),
      (headers, payload) => {
        const message = encodeMessage(encodeHeaders(headers), payload)
        const read = codec.decode(message)
        t.deepEqual(Object.fromEntries(Object.entries(read.headers).map(([name, { value }]) => [name, value])), { ...headers })
        t.true(Buffer.from(read.body).equals(payload))
        const typed = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }])
        )
        t.true(message.equals(codec.encode({ headers: typed, body: payload })))
      }
    ),
    { seed: SEED, numRuns: 200 }
  )
})

test('one changed byte anywhere is noticed', (t) => {
  const message = encodeMessage(encodeHeaders({ ':event-type': 'PayloadChunk' }), Buffer.from('hello'))
  for (let at = 0; at < message.length; at++) {
    const changed = Buffer.from(message)
    changed[at] = (changed[at] as number) ^ 1
    t.throws(() => codec.decode(changed), undefined, `${at}`)
  }
})
