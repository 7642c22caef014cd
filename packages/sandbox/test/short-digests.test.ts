import { createHash, createHmac } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { digestHere, hmacHere, isDigestHere } from '../src/guest/node/short-digests.guest.ts'

const ALGORITHMS = ['sha256', 'sha1', 'md5']
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

test('a digest of each length is what Node says', (t) => {
  for (const algorithm of ALGORITHMS) {
    for (let length = 0; length <= 1_024; length++) {
      const message = Buffer.alloc(length, algorithm + length)
      t.is(hex(digestHere(algorithm, message)), createHash(algorithm).update(message).digest('hex'), `${algorithm} of ${length}`)
    }
  }
})

test('so is a code of any key and message', (t) => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(fc.constantFrom(...ALGORITHMS), bytes, bytes, (algorithm, key, message) => {
      t.is(hex(hmacHere(algorithm, key, message)), createHmac(algorithm, key).update(message).digest('hex'))
      t.is(hex(digestHere(algorithm, message)), createHash(algorithm).update(message).digest('hex'))
    }),
    { seed: 20_261_130, numRuns: 2_000 }
  )
})

test('other algorithms and long messages are left to the executor', (t) => {
  t.true(isDigestHere('SHA256'))
  t.false(isDigestHere('sha512'))
  t.false(isDigestHere('constructor'))
  t.is(digestHere('sha512', new Uint8Array(1)), undefined)
  t.is(digestHere('sha256', new Uint8Array(1_025)), undefined)
  t.is(hmacHere('sha256', new Uint8Array(1_025), new Uint8Array(0)), undefined)
})
