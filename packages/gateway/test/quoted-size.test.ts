import test from 'ava'
import fc from 'fast-check'
import { escapeBytes } from '../src/quoted-size.ts'

const FUZZ_SEED = 20261130
const plain = fc.constantFrom('plain text, ', 'naïve ☃ ', '日本語')
const text = fc
  .array(fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }), { maxLength: 300 })
  .map((parts) => parts.join(''))
  // Halves of a pair are no text in UTF-8.
  .filter((whole) => whole.isWellFormed())

test('a text grows by what JSON says, wherever it is cut', (t) => {
  fc.assert(
    fc.property(text, fc.nat(), (whole, at) => {
      const bytes = Buffer.from(whole)
      const cut = at % (bytes.length + 1)
      const grown = Buffer.byteLength(JSON.stringify(whole)) - 2 - bytes.length
      t.is(escapeBytes(bytes.subarray(0, cut)) + escapeBytes(bytes.subarray(cut)), grown)
    }),
    { seed: FUZZ_SEED, numRuns: 500 }
  )
  for (let byte = 0; byte < 0x80; byte++) {
    const one = String.fromCharCode(byte)
    for (const whole of [one, 'a'.repeat(600) + one, one.repeat(600)])
      t.is(escapeBytes(Buffer.from(whole)), JSON.stringify(whole).length - 2 - whole.length)
  }
})
