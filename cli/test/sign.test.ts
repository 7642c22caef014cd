import test from 'ava'
import fc from 'fast-check'
import { encodeText, queryText, signRequest } from '../src/sign.ts'
import { oracle } from './_fake-node.ts'

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => text !== '.' && text !== '..' && text.isWellFormed())
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => value.isWellFormed())
const order = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  segments: fc.array(segment, { minLength: 1, maxLength: 5 }),
  query: fc.dictionary(
    text.filter((name) => name !== '' && name.toLowerCase() !== 'x-amz-signature' && name !== '__proto__'),
    text,
    { maxKeys: 5 }
  ),
  header: fc.stringMatching(/^[!-~]{1,10}( {1,3}[!-~]{1,10})?$/),
  body: fc.uint8Array({ maxLength: 64 }),
  now: fc.integer({ min: 0, max: 4_102_444_800_000 })
})

test('a signature is the one that AWS’s own signer makes, for any path, query, header, body and time', async (t) => {
  await fc.assert(
    fc.asyncProperty(order, async ({ method, segments, query, header, body, now }) => {
      const path = `/${segments.map(encodeText).join('/')}`
      const credentials = { accessKeyId: 'AKPROPERTY', secretAccessKey: 'secret' }
      const ours = signRequest({
        method,
        host: 'node:8787',
        path,
        query: Object.entries(query),
        headers: { 'x-amz-thing': header },
        body,
        ...credentials,
        region: 'us-east-1',
        service: 'lambda',
        now
      })
      const theirs = await oracle(credentials, 'us-east-1').sign(
        { method, protocol: 'http:', hostname: 'node', path, query, headers: { host: 'node:8787', 'x-amz-thing': header }, body },
        { signingDate: new Date(now) }
      )
      t.is(ours.authorization, theirs.headers.authorization)
    }),
    { seed: 2026, numRuns: 300 }
  )
})

test('a name that repeats in the query is sorted by value', (t) => {
  t.is(
    queryText([
      ['tagKeys', 'b c'],
      ['tagKeys', 'a'],
      ['Qualifier', '$LATEST']
    ]),
    'Qualifier=%24LATEST&tagKeys=a&tagKeys=b%20c'
  )
})

test('another body, path or secret makes another signature', (t) => {
  const base = {
    method: 'GET',
    host: 'h',
    path: '/a',
    query: [],
    headers: {},
    body: Buffer.from('x'),
    accessKeyId: 'a',
    secretAccessKey: 's',
    region: 'r',
    service: 'lambda',
    now: 0
  }
  const signatures = [base, { ...base, body: Buffer.from('y') }, { ...base, path: '/b' }, { ...base, secretAccessKey: 't' }].map(
    (one) => signRequest(one).authorization
  )
  t.is(new Set(signatures).size, 4)
})
