import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import { decodeEnvelope, encodeEnvelope, publicKeyOf, seal, signerOf, verifyEnvelope } from '../src/index.ts'

const signer = signerOf(new SeededRandom(1).bytes(32))

test('an envelope verifies after a round trip, for its own mesh and kind only', (t) => {
  const envelope = decodeEnvelope(encodeEnvelope(seal(signer, 'mesh-a', 'statement', Buffer.from('bytes'))))
  t.true(verifyEnvelope(envelope, 'mesh-a', 'statement'))
  t.false(verifyEnvelope(envelope, 'mesh-b', 'statement'))
  t.false(verifyEnvelope(envelope, 'mesh-a', 'acceptance'))
})

test('one changed bit anywhere breaks it', (t) => {
  const envelope = seal(signer, 'm', 'k', Buffer.from('bytes'))
  const bytes = Buffer.from(envelope.bytes)
  bytes[0] = (bytes[0] as number) ^ 1
  t.false(verifyEnvelope({ ...envelope, bytes }, 'm', 'k'))
  const other = signerOf(new SeededRandom(2).bytes(32))
  t.false(verifyEnvelope({ ...envelope, signer: other.peerId }, 'm', 'k'))
})

test('peer ids are those of libp2p and hold the key', (t) => {
  t.regex(signer.peerId, /^12D3KooW/)
  t.is(publicKeyOf(signer.peerId).length, 32)
  t.throws(() => publicKeyOf('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'), { message: /must be that of an Ed25519 key/ })
  t.throws(() => publicKeyOf('x'.repeat(10_000)))
})

test('malformed envelopes are MALFORMED', (t) => {
  for (const alleged of [
    Buffer.alloc(0),
    Buffer.from('hello'),
    encodeEnvelope({ signer: 'a', bytes: Buffer.alloc(1), signature: Buffer.alloc(3) })
  ]) {
    t.like(
      t.throws(() => decodeEnvelope(alleged)),
      { code: 'MALFORMED' }
    )
  }
})
