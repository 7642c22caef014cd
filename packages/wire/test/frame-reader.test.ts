import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { FrameReader, FrameWriter } from '../src/index.ts'

const FUZZ_SEED = 20261129
const NOTHING = new Uint8Array(0)

/** A writer, and what it hands on. */
function writing(): { writer: FrameWriter; sent: Uint8Array[] } {
  const sent: Uint8Array[] = []
  const channel = {
    send: (bytes: Uint8Array) => sent.push(bytes) > 0,
    onBytes: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
    close: () => undefined
  }
  return { writer: new FrameWriter(channel, () => undefined), sent }
}

/** What the writer hands on for frames of these payloads, in one piece. */
function bytesOf(payloads: readonly Uint8Array[]): Buffer {
  const { writer, sent } = writing()
  for (const [index, payload] of payloads.entries()) writer.write(index + 1, 1, NOTHING, payload)
  writer.flush()
  return Buffer.concat(sent)
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.nat(200_000).map((size) => Buffer.alloc(size, `${size} bytes`))
)
const cut = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 }))

function sameHoweverCut(t: ExecutionContext, pushOf: (reader: FrameReader) => (chunk: Uint8Array) => void): void {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 6 }), fc.array(cut, { minLength: 1, maxLength: 30 }), (payloads, cuts) => {
      const bytes = bytesOf(payloads)
      const read: Uint8Array[] = []
      const reader = new FrameReader((id, _type, _header, got) => {
        t.is(id, read.length + 1)
        read.push(got)
      })
      const push = pushOf(reader)
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length] as number
        push(bytes.subarray(at, at + size))
        at += size
      }
      t.is(read.length, payloads.length)
      for (const [index, one] of payloads.entries()) t.true(Buffer.from(one).equals(read[index] as Uint8Array))
    }),
    { seed: FUZZ_SEED, numRuns: 300 }
  )
}

test('frames are the same however their bytes are cut', (t) => {
  sameHoweverCut(t, (reader) => (chunk) => reader.push(Buffer.from(chunk)))
})

test('frames keep their bytes when the buffer that they were read into has those of the next read', (t) => {
  const buffer = Buffer.alloc(70_000)
  sameHoweverCut(t, (reader) => (chunk) => {
    buffer.set(chunk)
    reader.push(buffer.subarray(0, chunk.length), true)
    buffer.fill(0xee)
  })
})

test('a writer holds little where little is written, also after much was', (t) => {
  const { writer, sent } = writing()
  const held = (frames: number, payload: Uint8Array) => {
    for (let count = 0; count < frames; count++) {
      writer.write(1, 1, NOTHING, payload)
      writer.flush()
    }
    return sent.at(-1)?.buffer.byteLength ?? 0
  }
  t.true(held(1, Buffer.alloc(100)) <= 2_048)
  t.is(held(20, Buffer.alloc(10_000)), 65_536)
  t.true(held(1_000, Buffer.alloc(100)) <= 2_048)
})
