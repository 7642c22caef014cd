import test from 'ava'
import fc from 'fast-check'
import { checkHeaders, checkStatusCode } from '../src/http-head.ts'

test('headers come apart in their order', (t) => {
  t.deepEqual(checkHeaders(''), [])
  t.deepEqual(checkHeaders('a\0b\0set-cookie\0x=1; Path=/\0set-cookie\0y="é"'), [
    'a',
    'b',
    'set-cookie',
    'x=1; Path=/',
    'set-cookie',
    'y="é"'
  ])
  t.deepEqual(checkHeaders('x-empty\0'), ['x-empty', ''])
})

const refuses = test.macro((t, joined: string, message: RegExp) => {
  t.throws(() => checkHeaders(joined), { name: 'PeerlessError', code: 'INVALID_ARGUMENT', message })
})
test('a name without a value', refuses, 'a\0b\0c', /value of header 'c'/)
test('an empty name', refuses, '\0b', /header name ''/)
test('a name with a space', refuses, 'a b\0c', /header name 'a b'/)
test('a carriage return', refuses, 'a\0b\rc', /control characters/)
test('a line feed', refuses, 'a\0b\nc', /control characters/)
test('text outside latin1', refuses, 'a\0€', /latin1/)
test('a character of control', refuses, 'a\0\x7f', /control characters/)
test('too many', refuses, Array(402).fill('a').join('\0'), /201 headers must be at most 200/)
test('too long', refuses, `a\0${'b'.repeat(32_768)}`, /32770 bytes must be at most 32768/)

test('whatever passes can be sent as HTTP/1.1', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 6 }), (parts) => {
      let flat: string[]
      try {
        flat = checkHeaders(parts.join('\0'))
      } catch {
        // Refused, as it may be.
        return true
      }
      return flat.length % 2 === 0 && flat.every((text) => !/[\r\n\0]/.test(text))
    }),
    { seed: 20_261_124, numRuns: 2_000 }
  )
  t.pass()
})

test('a status code is a whole number from 200 to 599', (t) => {
  t.is(checkStatusCode(200), 200)
  t.is(checkStatusCode(599), 599)
  for (const wrong of [199, 600, 200.5, '200', undefined, Number.NaN]) {
    t.throws(() => checkStatusCode(wrong), { code: 'INVALID_ARGUMENT', message: /must be an integer from 200 to 599/ })
  }
})
