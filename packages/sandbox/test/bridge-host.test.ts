import test from 'ava'
import fc from 'fast-check'
import { answerAsk } from '../src/bridge-host.ts'
import { ASK } from '../src/bridge-operations.ts'

test('each question has its answer, as a copy', (t) => {
  const random = answerAsk(ASK.RANDOM, 16, undefined, undefined, undefined) as Uint8Array
  t.is(random.length, 16)
  t.is(random.buffer.byteLength, 16, 'nothing of the pool beneath goes along')
  t.is(
    Buffer.from(answerAsk(ASK.HASH, 'sha256', undefined, Buffer.from('abc'), undefined) as Uint8Array)
      .toString('hex')
      .slice(0, 8),
    'ba7816bf'
  )
  t.is(Buffer.from(answerAsk(ASK.ENCODE, 'é', undefined, undefined, undefined) as Uint8Array).toString('hex'), 'c3a9')
  t.is(answerAsk(ASK.DECODE, Uint8Array.of(0xc3, 0xa9), 'utf-8', true, false), 'é')
  t.is((answerAsk(ASK.URL_PARSE, '/x', 'http://h', undefined, undefined) as string).split('\0')[0], 'http://h/x')
  t.is((answerAsk(ASK.URL_SET, 'http://h/', 'port', '81', undefined) as string).split('\0')[0], 'http://h:81/')
})

test('what guest code may send is never thrown at, and never answered with an object', (t) => {
  const anything = fc.oneof(
    fc.anything(),
    fc.string(),
    fc.uint8Array(),
    fc.webUrl(),
    fc.constantFrom('sha256', 'utf-8', 'href', '__proto__', 'constructor')
  )
  fc.assert(
    fc.property(fc.integer({ min: 30, max: 45 }), anything, anything, anything, anything, (operation, a, b, c, d) => {
      const answer = answerAsk(operation, a, b, c, d)
      return answer === undefined || typeof answer === 'string' || answer instanceof Uint8Array
    }),
    { seed: 20_261_124, numRuns: 3_000 }
  )
  t.pass()
})
