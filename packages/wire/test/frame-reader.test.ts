import test from 'ava'
import fc from 'fast-check'
import { FrameReader, FrameWriter } from '../src/index.ts'

const FUZZ_SEED = 20261129
const NOTHING = new Uint8Array(0)

/** What the writer hands on for frames of these payloads, in one piece. */
function bytesOf(payloads: readonly Uint8Array[]): Buffer {
  const sent: Uint8Array[] = []
  const channel = {
    send: (bytes: Uint8Array) => sent.push(bytes) > 0,
    onBytes: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
    close: () => undefined
  }
  const writer = new FrameWriter(channel, () => undefined)
  for (const [index, payload] of payloads.entries()) writer.write(index + 1, 1, NOTHING, payload)
  writer.flush()
  return Buffer.concat(sent)
}

test('frames are the same however their bytes are cut', (t) => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.nat(200_000).map((size) => Buffer.alloc(size, `${size} bytes`))
  )
  const cut = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 }))
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 6 }), fc.array(cut, { minLength: 1, maxLength: 30 }), (payloads, cuts) => {
      const bytes = bytesOf(payloads)
      const read: Buffer[] = []
      const reader = new FrameReader((id, _type, _header, got) => {
        t.is(id, read.length + 1)
        read.push(Buffer.from(got))
      })
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length] as number
        // A copy: what was read must not be kept as a view of the reader's own.
        reader.push(Buffer.from(bytes.subarray(at, at + size)))
        at += size
      }
      t.is(read.length, payloads.length)
      for (const [index, one] of payloads.entries()) t.true(Buffer.from(one).equals(read[index] as Buffer))
    }),
    { seed: FUZZ_SEED, numRuns: 300 }
  )
})
