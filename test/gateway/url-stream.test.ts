import {
  CreateFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  UpdateFunctionUrlConfigCommand
} from '@aws-sdk/client-lambda'
import test from 'ava'
import { up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { ask } from './_http.ts'
import { deploy, invokeStream } from './_streams.ts'

test('a function URL streams and answers browsers as its configuration says', async (t) => {
  const node = await up(t)
  const lambda = await lambdaOf(node)
  await deploy(
    lambda,
    'words',
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      const http = awslambda.HttpResponseStream.from(stream, { headers: { 'access-control-allow-origin': 'https://mine.example', 'x-a': 'b' } })
      http.write('one '); http.end('two')
    })`
  )
  await lambda.send(
    new CreateFunctionUrlConfigCommand({
      FunctionName: 'words',
      AuthType: 'NONE',
      InvokeMode: 'RESPONSE_STREAM',
      Cors: {
        AllowOrigins: ['https://a.example'],
        AllowMethods: ['GET'],
        AllowHeaders: ['x-one'],
        AllowCredentials: true,
        MaxAge: 60,
        ExposeHeaders: ['x-a']
      }
    })
  )
  t.is((await lambda.send(new GetFunctionUrlConfigCommand({ FunctionName: 'words' }))).InvokeMode, 'RESPONSE_STREAM')
  const streamed = await ask(node.http, { path: '/fn/words/', headers: { origin: 'https://a.example' } })
  t.is(streamed.text, 'one two')
  t.is(streamed.headers['transfer-encoding'], 'chunked')
  t.is(streamed.headers['access-control-allow-origin'], 'https://a.example')
  t.is(streamed.headers['access-control-allow-credentials'], 'true')
  t.is(streamed.headers['access-control-expose-headers'], 'x-a')

  const preflight = {
    origin: 'https://a.example',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'X-One'
  }
  const allowed = await ask(node.http, { method: 'OPTIONS', path: '/fn/words/', headers: preflight })
  t.is(allowed.status, 204)
  t.is(allowed.headers['access-control-allow-headers'], 'x-one')
  t.is(allowed.headers['access-control-max-age'], '60')
  for (const [name, value] of [
    ['origin', 'https://b.example'],
    ['access-control-request-method', 'PUT'],
    ['access-control-request-headers', 'x-two']
  ] as const) {
    const refused = await ask(node.http, { method: 'OPTIONS', path: '/fn/words/', headers: { ...preflight, [name]: value } })
    t.is(refused.headers['access-control-allow-origin'], undefined, name)
  }
  await lambda.send(new UpdateFunctionUrlConfigCommand({ FunctionName: 'words', InvokeMode: 'BUFFERED' }))
  const whole = await ask(node.http, { path: '/fn/words/' })
  t.is(whole.text, 'one two')
  t.is(whole.headers['content-length'], '7')
})

/**
 * The request of AWS's page "Lambda function URL request payload", and what real function URLs make of such a request (recorded events of 2023
 * to 2026): members that do not apply are left out, `accountId` is `anonymous`, `connection` is not passed on. `x-amzn-tls-version` and
 * `-cipher-suite` are the only ones missing: there is no TLS here. What differs by place is masked.
 */
test('the event is the one that AWS sends', async (t) => {
  const node = await up(t)
  const lambda = await lambdaOf(node)
  await deploy(lambda, 'event', 'export const handler = async (event) => event')
  await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'event', AuthType: 'NONE' }))
  const reply = await ask(node.http, {
    method: 'POST',
    path: '/fn/event/path/to/resource?parameter1=value1&parameter1=value2&parameter2=value',
    headers: [
      ...['Host', 'event.lambda-url.us-west-2.on.aws', 'Cookie', 'cookie1; cookie2', 'Header1', 'value1', 'Header2', 'value1'],
      ...['Header2', 'value2', 'User-Agent', 'agent', 'Content-Type', 'text/plain', 'Content-Length', '18']
    ],
    body: 'Hello from client!'
  })
  const event = reply.json() as { headers: Record<string, string>; requestContext: Record<string, unknown> }
  const { requestId, time, timeEpoch } = event.requestContext
  const trace = String(event.headers['x-amzn-trace-id'])
  t.regex(trace, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/)
  t.is(Number.parseInt(trace.slice(7, 15), 16), Math.floor(Number(timeEpoch) / 1_000))
  t.regex(String(requestId), /^[0-9a-f-]{36}$/)
  t.regex(String(time), /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/)
  t.deepEqual(event, {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/path/to/resource',
    rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=value',
    cookies: ['cookie1', 'cookie2'],
    headers: {
      host: 'event.lambda-url.us-west-2.on.aws',
      cookie: 'cookie1; cookie2',
      header1: 'value1',
      header2: 'value1,value2',
      'user-agent': 'agent',
      'content-type': 'text/plain',
      'content-length': '18',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': new URL(node.http).port,
      'x-forwarded-proto': 'http',
      'x-amzn-trace-id': trace
    },
    queryStringParameters: { parameter1: 'value1,value2', parameter2: 'value' },
    requestContext: {
      accountId: 'anonymous',
      apiId: 'event',
      domainName: 'event.lambda-url.us-west-2.on.aws',
      domainPrefix: 'event',
      http: { method: 'POST', path: '/path/to/resource', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'agent' },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time,
      timeEpoch
    },
    body: 'Hello from client!',
    isBase64Encoded: false
  })
})

test('a node that stops lets a streamed answer end; its limit is the one that it was given', async (t) => {
  const node = await up(t, { args: ['--stream-mb', '1'] })
  const lambda = await lambdaOf(node)
  await deploy(
    lambda,
    'slow',
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      if (event.bytes) return stream.end(Buffer.alloc(event.bytes))
      for (let index = 0; index < 20; index++) { stream.write('x'); await new Promise((resolve) => setTimeout(resolve, 20)) }
      stream.end('end')
    })`
  )
  const large = (bytes: number) => invokeStream(lambda, { FunctionName: 'slow', Payload: JSON.stringify({ bytes }) })
  t.is((await large(1_048_576)).bytes, 1_048_576)
  t.like(JSON.parse((await large(1_048_577)).complete?.ErrorDetails ?? ''), { errorType: 'Function.ResponseSizeTooLarge' })

  t.is((await node.cli('routes', 'add', 'GET /slow', 'slow', '--stream')).code, 0)
  let stopped: Promise<number | null> | undefined
  const reply = await ask(node.http, {
    path: '/slow',
    onData: () => {
      stopped ??= node.stop()
    }
  })
  t.is(reply.text, `${'x'.repeat(20)}end`)
  t.false(reply.cut)
  t.is(await stopped, 0)
})
