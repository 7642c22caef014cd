import type { IncomingMessage } from 'node:http'
import { isPeerlessError } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { ApiError } from '../src/api-error.ts'
import { Sigv4Verifier } from '../src/sigv4.ts'
import { type Ask, type SignOptions, sha256Hex, signed } from './_http.ts'

const TARGET = { host: '127.0.0.1', port: 80 }
const KEY = { accessKeyId: 'PLTEST', secretAccessKey: 'a secret/with+all', role: 'admin' as const, account: 'a', createdAt: 0 }
const clock = new VirtualClock()
const NOW: SignOptions = { date: new Date(clock.now()) }

/** What the server sees of a request. */
function received(options: Ask): IncomingMessage {
  const rawHeaders: string[] = []
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    rawHeaders.push(name, String(value))
    headers[name.toLowerCase()] = String(value)
  }
  return { method: options.method ?? 'GET', url: options.path, headers, rawHeaders } as unknown as IncomingMessage
}

/** 'ok', or the AWS code of the refusal. */
function verdict(options: Ask, body = options.body ?? ''): string {
  const verifier = new Sigv4Verifier({ get: (id) => (id === KEY.accessKeyId ? KEY : undefined) }, clock)
  try {
    const key = verifier.finish(verifier.begin(received(options)), sha256Hex(String(body)))
    return key === KEY ? 'ok' : 'another key'
  } catch (error) {
    return error instanceof ApiError ? error.awsCode : String(error)
  }
}

const REQUESTS: Ask[] = [
  { path: '/2015-03-31/functions' },
  { path: '/2015-03-31/functions/' },
  { path: '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello/invocations' },
  { path: '/2015-03-31/functions?MaxItems=10&Marker=a%2Fb%3D%3D&z=&a=1&a=0' },
  { path: '/2017-03-31/tags/x?tagKeys=a%20b&tagKeys=%C3%A4', method: 'DELETE' },
  { path: '/fn/hello/a//b/../c/./d%20e/', method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } },
  { path: '/x', headers: { 'x-amz-meta': '  two   spaces  ', 'my-header': "!'()*~" } }
]

test('what AWS signs is accepted, with and without the hash header, for any region', async (t) => {
  for (const options of REQUESTS) {
    for (const withoutHash of [true, false]) {
      const request = await signed(TARGET, KEY, options, { ...NOW, withoutHash, region: 'eu-north-1' })
      t.is(verdict(request), 'ok', `${options.path} ${withoutHash}`)
    }
  }
})

test('random paths, queries, headers and bodies agree with the oracle', async (t) => {
  const segment = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed()))
  const pair = fc.tuple(segment, segment).map(([name, value]) => `${name || 'k'}=${value}`)
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
    path: fc.tuple(fc.array(segment, { maxLength: 5 }), fc.array(pair, { maxLength: 4 })).map(([segments, pairs]) => {
      const path = `/${segments.join('/')}`
      return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
    }),
    headers: fc.dictionary(fc.stringMatching(/^x-[a-z]{1,6}$/), fc.stringMatching(/^[ -~]{0,12}$/), { maxKeys: 3 }),
    body: fc.string({ maxLength: 20 })
  })
  await fc.assert(
    fc.asyncProperty(request, fc.boolean(), async (options, withoutHash) => {
      const made = await signed(TARGET, KEY, options, { ...NOW, withoutHash })
      if (verdict(made) !== 'ok') throw new Error(`${options.path}: ${verdict(made)}`)
      if (verdict(made, `${options.body}.`) === 'ok') throw new Error('another body was accepted')
    }),
    { seed: 20_260_101, numRuns: 300 }
  )
  t.pass()
})

test('one changed thing is one refused request', async (t) => {
  const base: Ask = { method: 'POST', path: '/fn/hello/a?b=1&c=2', headers: { 'x-amz-log-type': 'Tail' }, body: 'body' }
  const good = await signed(TARGET, KEY, base, { ...NOW, withoutHash: true })
  const headers = good.headers as Record<string, string>
  t.is(verdict(good), 'ok')
  t.is(verdict({ ...good, path: '/fn/hello/a?c=2&b=1' }), 'ok', 'the order of a query does not matter')
  const authorization = headers.authorization ?? ''
  const changed: Record<string, Ask> = {
    method: { ...good, method: 'PUT' },
    path: { ...good, path: '/fn/hello/b?b=1&c=2' },
    query: { ...good, path: '/fn/hello/a?b=1&c=3' },
    'query added': { ...good, path: '/fn/hello/a?b=1&c=2&d' },
    body: { ...good, body: 'Body' },
    'signed header': { ...good, headers: { ...headers, 'x-amz-log-type': 'None' } },
    host: { ...good, headers: { ...headers, host: 'other' } },
    'header gone': {
      ...good,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-amz-log-type'))
    },
    region: { ...good, headers: { ...headers, authorization: authorization.replace('us-east-1', 'us-east-2') } },
    'unsigned x-amz- header': { ...good, headers: { ...headers, 'x-amz-invocation-type': 'Event' } },
    'last digit': {
      ...good,
      headers: { ...headers, authorization: authorization.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) }
    },
    'forged hash': { ...good, headers: { ...headers, 'x-amz-content-sha256': sha256Hex('other') } }
  }
  for (const [what, request] of Object.entries(changed)) t.is(verdict(request), 'InvalidSignatureException', what)
  t.is(verdict(await signed(TARGET, { ...KEY, secretAccessKey: 'wrong' }, base, NOW)), 'InvalidSignatureException')
  t.is(verdict(await signed(TARGET, { ...KEY, accessKeyId: 'NOBODY' }, base, NOW)), 'UnrecognizedClientException')
  t.is(verdict(await signed(TARGET, KEY, base, { ...NOW, service: 's3' })), 'InvalidSignatureException')
})

test('a security token that is not ours to check is ignored', async (t) => {
  const good = await signed(TARGET, KEY, { path: '/x' }, NOW)
  t.is(verdict({ ...good, headers: { ...good.headers, 'x-amz-security-token': 'any' } }), 'ok')
})

test('the clock may differ by 15 minutes and no more', async (t) => {
  const at = async (offsetMs: number) =>
    verdict(await signed(TARGET, KEY, { path: '/x' }, { date: new Date(clock.now() + offsetMs) }))
  t.is(await at(900_000), 'ok')
  t.is(await at(-900_000), 'ok')
  t.is(await at(901_000), 'InvalidSignatureException')
  t.is(await at(-901_000), 'InvalidSignatureException')
})

test('a signing key is not kept beyond its secret', async (t) => {
  let secret = 'first'
  const verifier = new Sigv4Verifier({ get: () => ({ ...KEY, secretAccessKey: secret }) }, clock)
  const sign = async () => {
    const options = await signed(TARGET, { ...KEY, secretAccessKey: secret }, { path: '/x' }, NOW)
    return verifier.begin(received(options))
  }
  await t.notThrowsAsync(sign())
  const stale = await signed(TARGET, { ...KEY, secretAccessKey: secret }, { path: '/x' }, NOW)
  secret = 'second'
  await t.notThrowsAsync(sign())
  t.throws(() => verifier.begin(received(stale)), { instanceOf: ApiError })
})

const AMZ_DATE = '20260101T000000Z'
const SIGNATURE = 'a'.repeat(64)
const MALFORMED: [authorization: string | undefined, code: string][] = [
  [undefined, 'MissingAuthenticationTokenException'],
  ['', 'IncompleteSignatureException'],
  ['Bearer token', 'IncompleteSignatureException'],
  ['AWS4-ECDSA-P256-SHA256 Credential=a', 'IncompleteSignatureException'],
  ['AWS4-HMAC-SHA256 ', 'IncompleteSignatureException'],
  ['AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request', 'IncompleteSignatureException'],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda, SignedHeaders=host, Signature=${SIGNATURE}`,
    'IncompleteSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws5, SignedHeaders=host, Signature=${SIGNATURE}`,
    'InvalidSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260102/r/lambda/aws4_request, SignedHeaders=host, Signature=${SIGNATURE}`,
    'InvalidSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request, SignedHeaders=, Signature=${SIGNATURE}`,
    'IncompleteSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request, SignedHeaders=x-amz-date, Signature=${SIGNATURE}`,
    'InvalidSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request, SignedHeaders=host, Signature=${SIGNATURE}`,
    'InvalidSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=${SIGNATURE.slice(1)}`,
    'IncompleteSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=PLTEST/20260101/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=${SIGNATURE}, Signature=${SIGNATURE}`,
    'IncompleteSignatureException'
  ],
  [
    `AWS4-HMAC-SHA256 Credential=__proto__/20260101/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=${SIGNATURE}`,
    'UnrecognizedClientException'
  ],
  [`AWS4-HMAC-SHA256 ${'x'.repeat(5_000)}`, 'IncompleteSignatureException']
]
for (const [authorization, code] of MALFORMED) {
  const shown = String(authorization).slice(0, 240).replaceAll(SIGNATURE, '64 hex')
  test(`refused with ${code}: ${shown}`, (t) => {
    const headers: Record<string, string> = { host: 'h', 'x-amz-date': AMZ_DATE }
    if (authorization !== undefined) headers.authorization = authorization
    t.is(verdict({ path: '/x', headers }), code)
  })
}

test('fuzz: no Authorization header gets anything but a refusal that is the caller’s fault', (t) => {
  const part = fc.constantFrom(
    'AWS4-HMAC-SHA256',
    ' ',
    ',',
    '=',
    '/',
    ';',
    'Credential',
    'SignedHeaders',
    'Signature',
    'host',
    'PLTEST',
    '20260101',
    'lambda',
    'aws4_request',
    SIGNATURE,
    '\u00e4',
    '%'
  )
  const verifier = new Sigv4Verifier({ get: () => KEY }, clock)
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 20 }), fc.string(), (parts, date) => {
      for (const amzDate of [AMZ_DATE, date]) {
        const headers = { host: 'h', 'x-amz-date': amzDate, authorization: parts.join('') }
        try {
          verifier.begin(received({ path: '/x', headers }))
        } catch (error) {
          if (isPeerlessError(error, 'UNAUTHENTICATED')) continue
          throw error
        }
        throw new Error('accepted')
      }
    }),
    { seed: 20_260_102, numRuns: 500 }
  )
  t.pass()
})
