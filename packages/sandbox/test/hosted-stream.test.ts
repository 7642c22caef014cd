import { type IncomingRequest, STREAM_CLOSED_CREDIT } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { HostedStream } from '../src/hosted-stream.ts'

const SEED = 20261125
const BOUNDS = { bytesMax: 1_000, chunkBytesMax: 100, windowBytes: 300 }

function hosted() {
  const parts: unknown[] = []
  const request = {
    part: (header: unknown, payload?: Uint8Array) => parts.push(header ?? payload?.length)
  } as unknown as IncomingRequest
  return { stream: new HostedStream(request, BOUNDS), parts }
}

test('a head and chunks within the bounds go on', (t) => {
  const { stream, parts } = hosted()
  t.is(stream.head(201, 'a\0b'), undefined)
  t.is(stream.chunk(new Uint8Array(100)), undefined)
  t.deepEqual(parts, [[201, ['a', 'b']], 100])
})

test('what the glue would never say is an error, and nothing of it goes on', (t) => {
  for (const [say, words] of [
    [(stream: HostedStream) => stream.head(99, ''), /99/],
    [(stream: HostedStream) => stream.head(200, 'a\r\0b'), /token/],
    [(stream: HostedStream) => stream.head(200, 'a\0b\r\nc: d'), /control characters/],
    [(stream: HostedStream) => stream.chunk(new Uint8Array(1)), /before status/]
  ] as const) {
    const { stream, parts } = hosted()
    t.regex(say(stream) ?? '', words)
    t.deepEqual(parts, [])
  }
  const { stream, parts } = hosted()
  stream.head(200, '')
  t.regex(stream.head(200, '') ?? '', /twice/)
  for (const bad of [undefined, null, 'text', 5, {}, [1], new Uint8Array(0), new Uint8Array(101), new ArrayBuffer(5)]) {
    t.regex(stream.chunk(bad) ?? '', /1 to 100/)
  }
  t.is(parts.length, 1)
})

test('the window and the whole are bounded whatever is told, and credit opens the window again', (t) => {
  const { stream, parts } = hosted()
  stream.head(200, '')
  for (let index = 0; index < 3; index++) t.is(stream.chunk(new Uint8Array(100)), undefined)
  t.regex(stream.chunk(new Uint8Array(1)) ?? '', /without credit/)
  const other = hosted().stream
  other.head(200, '')
  let failure: string | undefined
  let sent = 0
  while (failure === undefined) {
    failure = other.chunk(new Uint8Array(100))
    if (failure === undefined) sent += 100
    other.credit(100)
  }
  t.is(sent, 1_000)
  t.like(JSON.parse(failure), { errorType: 'Function.ResponseSizeTooLarge' })
  t.is(parts.length, 4)
})

test('after the client is gone nothing goes on, and the whole is still bounded', (t) => {
  const { stream, parts } = hosted()
  stream.head(200, '')
  stream.credit(STREAM_CLOSED_CREDIT)
  for (let index = 0; index < 10; index++) t.is(stream.chunk(new Uint8Array(100)), undefined)
  t.is(parts.length, 1)
  t.regex(stream.chunk(new Uint8Array(100)) ?? '', /ResponseSizeTooLarge/)
})

test('nothing that comes out of an isolate makes it throw', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.anything(), fc.anything()), { maxLength: 10 }), (told) => {
      const { stream } = hosted()
      for (const [head, a, b] of told) {
        const said = head ? stream.head(a, b) : stream.chunk(a)
        t.true(said === undefined || typeof JSON.parse(said).errorType === 'string')
      }
    }),
    { seed: SEED, numRuns: 500 }
  )
})
