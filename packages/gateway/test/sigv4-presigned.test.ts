import type { IncomingMessage } from 'node:http'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { ApiError } from '../src/api-error.ts'
import { Sigv4Verifier } from '../src/sigv4.ts'
import { type Ask, ask, presigned, sha256Hex } from './_http.ts'
import { recordOf, start, urlOf } from './_ports.ts'

const TARGET = { host: '127.0.0.1', port: 80 }
const KEY = { accessKeyId: 'PLTEST', secretAccessKey: 'a secret/with+all', role: 'admin' as const, account: 'a', createdAt: 0 }
const clock = new VirtualClock()
const NOW = { date: new Date(clock.now()) }

/** What the verifier says of a request: nothing, or the AWS code and text of its refusal. */
function refusalOf({ method = 'GET', path: url, headers = {}, body = '' }: Ask): { code: string; message: string } | undefined {
  const request = { method, url, headers, rawHeaders: Object.entries(headers).flat() } as unknown as IncomingMessage
  const verifier = new Sigv4Verifier({ get: (id) => (id === KEY.accessKeyId ? KEY : undefined) }, clock)
  try {
    verifier.finish(verifier.begin(request), sha256Hex(String(body)))
    return undefined
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { code: error.awsCode, message: error.message }
  }
}

const REQUESTS: Ask[] = [
  { path: '/fn/hello' },
  { path: '/fn/hello/a%20b/%2F//c?x=1&x=0&name=%C3%A4%2B+&empty=' },
  { path: '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello/invocations', method: 'POST' },
  { path: '/fn/hello', method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
]

test('what AWS presigns is accepted, for any region', async (t) => {
  for (const options of REQUESTS) {
    const request = await presigned(TARGET, KEY, options, { ...NOW, region: 'eu-north-1' })
    t.is(refusalOf(request), undefined, options.path)
  }
})

test('one changed thing of a presigned URL is one refused request', async (t) => {
  const good = await presigned(
    TARGET,
    KEY,
    { method: 'POST', path: '/fn/hello?b=1&c=2', body: 'body' },
    { ...NOW, expiresIn: 60 }
  )
  t.is(refusalOf(good), undefined)
  const changed: Record<string, Ask> = {
    method: { ...good, method: 'PUT' },
    path: { ...good, path: good.path.replace('hello', 'other') },
    query: { ...good, path: good.path.replace('b=1', 'b=2') },
    'query added': { ...good, path: `${good.path}&d=1` },
    body: { ...good, body: 'Body' },
    host: { ...good, headers: { ...good.headers, host: 'other' } },
    'longer validity': { ...good, path: good.path.replace('X-Amz-Expires=60', 'X-Amz-Expires=600') },
    region: { ...good, path: good.path.replace('us-east-1', 'us-east-2') },
    'unsigned x-amz- header': { ...good, headers: { ...good.headers, 'x-amz-invocation-type': 'Event' } },
    'forged hash': { ...good, headers: { ...good.headers, 'x-amz-content-sha256': sha256Hex('other') } }
  }
  for (const [what, request] of Object.entries(changed)) t.is(refusalOf(request)?.code, 'InvalidSignatureException', what)
  const wrong = await presigned(TARGET, { ...KEY, secretAccessKey: 'wrong' }, { path: '/fn/hello' }, NOW)
  t.is(refusalOf(wrong)?.code, 'InvalidSignatureException')
})

test('a presigned URL holds for as long as its signer said, a week at most', async (t) => {
  const at = async (agoMs: number, expiresIn: number) => {
    const date = new Date(clock.now() - agoMs)
    return refusalOf(await presigned(TARGET, KEY, { path: '/fn/hello' }, { date, expiresIn }))?.code
  }
  t.is(await at(60_000, 60), undefined)
  t.is(await at(61_000, 60), 'InvalidSignatureException')
  t.is(await at(604_800_000, 604_800), undefined)
  t.is(await at(-900_000, 60), undefined)
  t.is(await at(-901_000, 604_800), 'InvalidSignatureException')
  const good = await presigned(TARGET, KEY, { path: '/fn/hello' }, NOW)
  for (const expires of ['0', '604801', '-1', '1.5', ''])
    t.is(
      refusalOf({ ...good, path: good.path.replace(/X-Amz-Expires=\d+/, `X-Amz-Expires=${expires}`) })?.code,
      'IncompleteSignatureException',
      expires
    )
})

test('presigned URLs that are malformed, or of another kind, are refused with what is wrong about them', async (t) => {
  const good = await presigned(TARGET, KEY, { path: '/fn/hello' }, NOW)
  const without = (name: string) => good.path.replace(new RegExp(`&?${name}=[^&]*`), '')
  const refusals: [path: string, code: string, message: RegExp][] = [
    [without('X-Amz-Algorithm'), 'IncompleteSignatureException', /'X-Amz-Algorithm'/],
    [without('X-Amz-Credential'), 'IncompleteSignatureException', /'X-Amz-Credential'/],
    [without('X-Amz-Date'), 'IncompleteSignatureException', /'X-Amz-Date'/],
    [without('X-Amz-SignedHeaders'), 'IncompleteSignatureException', /'X-Amz-SignedHeaders'/],
    [without('X-Amz-Signature'), 'IncompleteSignatureException', /'X-Amz-Signature'/],
    [`${good.path}&X-Amz-Date=20260101T000000Z`, 'IncompleteSignatureException', /twice/],
    [good.path.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'), 'IncompleteSignatureException', /SigV4a/],
    [`${good.path}&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD`, 'InvalidSignatureException', /unsigned/],
    ['/fn/hello?note=X-Amz-Signature', 'MissingAuthenticationTokenException', /Missing/]
  ]
  for (const [path, code, message] of refusals) {
    const refusal = refusalOf({ ...good, path })
    t.is(refusal?.code, code, path)
    t.regex(refusal?.message ?? '', message, path)
  }
})

test('a browser may follow a presigned URL of a function, and anybody one of the Lambda API', async (t) => {
  const node = await start(t)
  await node.catalog.put('function', 'hello', recordOf('hello', { qualifiers: urlOf('AWS_IAM') }))
  const date = new Date(node.clock.now())
  const link = await presigned(node, node.invoker, { path: '/fn/hello/a?b=1' }, { date, expiresIn: 3_600 })
  const answer = await ask(node, { path: link.path })
  t.is(answer.status, 200)
  const { requestContext } = answer.json() as { requestContext: { authorizer: { iam: { accessKey: string } } } }
  t.is(requestContext.authorizer.iam.accessKey, node.invoker.accessKeyId)
  const other = await presigned(node, node.stranger, { path: '/fn/hello/a?b=1' }, { date })
  t.is((await ask(node, { path: other.path })).json().code, 'FORBIDDEN')
  const invoke = { method: 'POST', path: '/2015-03-31/functions/hello/invocations', body: '{"a":1}' }
  const { path } = await presigned(node, node.invoker, invoke, { date })
  t.is((await ask(node, { ...invoke, path })).status, 200)
  t.is((await ask(node, { ...invoke, path, body: '{"a":2}' })).status, 403)
})

test('headers that the signer has moved into a presigned URL count as headers', async (t) => {
  const node = await start(t)
  const headers = { 'X-Amz-Invocation-Type': 'DryRun' }
  const invoke = { method: 'POST', path: '/2015-03-31/functions/hello/invocations', headers }
  const { path } = await presigned(node, node.invoker, invoke, { date: new Date(node.clock.now()) })
  t.regex(path, /x-amz-invocation-type=DryRun/i)
  t.is((await ask(node, { method: 'POST', path })).status, 204)
  t.is(node.orders.length, 0)
})
