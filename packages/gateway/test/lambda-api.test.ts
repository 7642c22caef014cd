import test from 'ava'
import { type Answer, type Ask, ask, signed } from './_http.ts'
import { type Fixture, start, ZIP } from './_ports.ts'

/** Requests that no SDK would make: signed right, wrong in themselves. */

const ROLE = 'arn:aws:iam::000000000000:role/lambda'
const GOOD = {
  FunctionName: 'made',
  Role: ROLE,
  Runtime: 'nodejs22.x',
  Handler: 'index.handler',
  Code: { ZipFile: ZIP.toString('base64') }
}

async function call(node: Fixture, options: Ask, key = node.deployer): Promise<Answer> {
  return await ask(node, await signed(node, key, options, { date: new Date(node.clock.now()) }))
}

function create(node: Fixture, members: Record<string, unknown>): Promise<Answer> {
  return call(node, { method: 'POST', path: '/2015-03-31/functions', body: JSON.stringify({ ...GOOD, ...members }) })
}

const REFUSED: [title: string, members: Record<string, unknown>, code: string, message: RegExp][] = [
  [
    'a name with a dot',
    { FunctionName: 'a.b' },
    'ValidationException',
    /^1 validation error detected: Value 'a.b' at 'functionName'/
  ],
  [
    'a name of 65 letters',
    { FunctionName: 'x'.repeat(65) },
    'InvalidParameterValueException',
    /'x{65}' at 'functionName'.*less than or equal to 64/
  ],
  [
    'an ARN with a name of 65 letters',
    { FunctionName: `arn:aws:lambda:us-east-1:000000000000:function:${'x'.repeat(65)}` },
    'InvalidParameterValueException',
    /at 'functionName'.*less than or equal to 64/
  ],
  ['a name with a version', { FunctionName: 'made:1' }, 'InvalidParameterValueException', /qualifier/],
  ['no name', { FunctionName: null }, 'ValidationException', /Value null at 'functionName'.*Member must not be null/],
  ['a number as name', { FunctionName: 7 }, 'SerializationException', /FunctionName must be String, got number/],
  ['a role that is none', { Role: 'r1' }, 'ValidationException', /Value 'r1' at 'role' .*regular expression/],
  ['a timeout of 0', { Timeout: 0 }, 'ValidationException', /'timeout'.*greater than or equal to 1/],
  ['a timeout of 901', { Timeout: 901 }, 'ValidationException', /'timeout'.*less than or equal to 900/],
  ['a timeout of 1.5', { Timeout: 1.5 }, 'SerializationException', /Timeout must be Integer/],
  ['127 MB', { MemorySize: 127 }, 'ValidationException', /'memorySize'.*128/],
  [
    'several faults at once',
    { Timeout: 0, MemorySize: 1, Role: 'x' },
    'ValidationException',
    /^3 validation errors detected: .*'role'.*; .*'timeout'.*; .*'memorySize'/
  ],
  ['a handler with a space', { Handler: 'a b' }, 'ValidationException', /'handler'/],
  ['no handler', { Handler: undefined }, 'InvalidParameterValueException', /Handler are mandatory/],
  ['Java', { Runtime: 'java21' }, 'InvalidParameterValueException', /^The runtime java21 is not supported/],
  ['a runtime of yesterday', { Runtime: 'nodejs12.x' }, 'InvalidParameterValueException', /no longer supported/],
  ['no runtime', { Runtime: 'cobol' }, 'InvalidParameterValueException', /^Value cobol at 'runtime'/],
  ['no code', { Code: undefined }, 'ValidationException', /'code'/],
  ['a zip that is a list', { Code: { ZipFile: [] } }, 'SerializationException', /ZipFile must be String, got a list/],
  ['a zip that is not base64', { Code: { ZipFile: 'UEs!' } }, 'SerializationException', /not valid base64/],
  ['a zip in the alphabet of URLs', { Code: { ZipFile: 'UE-_' } }, 'SerializationException', /not valid base64/],
  ['a zip with a break in it', { Code: { ZipFile: 'UEsD\nBA==' } }, 'SerializationException', /not valid base64/],
  ['an empty zip', { Code: { ZipFile: '' } }, 'InvalidParameterValueException', /provide a source/],
  ['bytes that are no zip', { Code: { ZipFile: 'AAAA' } }, 'InvalidParameterValueException', /unzip/],
  ['code in S3', { Code: { S3Bucket: 'buc', S3Key: 'k' } }, 'InvalidParameterValueException', /started with --s3-endpoint/],
  ['an image', { PackageType: 'Image' }, 'InvalidParameterValueException', /Image is not supported/],
  ['a layer that is none', { Layers: ['arn:x'] }, 'ValidationException', /'\[arn:x\]' at 'layers'/],
  ['SnapStart', { SnapStart: { ApplyOn: 'PublishedVersions' } }, 'InvalidParameterValueException', /SnapStart enabled/],
  ['two architectures', { Architectures: ['x86_64', 'arm64'] }, 'ValidationException', /less than or equal to 1/],
  ['another architecture', { Architectures: ['X86_64'] }, 'ValidationException', /enum value set: \[x86_64, arm64\]/],
  ['an environment that is a list', { Environment: { Variables: [] } }, 'SerializationException', /Variables must be an object/],
  [
    'a variable that is a number',
    { Environment: { Variables: { AB: 1 } } },
    'SerializationException',
    /Variables.AB must be String/
  ],
  ['a variable name with a dash', { Environment: { Variables: { 'A-B': '1' } } }, 'ValidationException', /environment.variables/],
  [
    'an environment above 4 KB',
    { Environment: { Variables: { BIG: 'x'.repeat(4_096) } } },
    'InvalidParameterValueException',
    /exceeded the 4KB limit/
  ]
]
for (const [title, members, code, message] of REFUSED) {
  test(`CreateFunction refuses ${title}`, async (t) => {
    const node = await start(t)
    const answer = await create(node, members)
    t.is(answer.status, 400)
    t.is(answer.headers['x-amzn-errortype'], code)
    t.regex(String(answer.json().message), message)
    t.is(node.catalog.get('function', 'made'), undefined)
  })
}

test('CreateFunction takes members that ask for what there is anyway, and unknown ones', async (t) => {
  const node = await start(t)
  const answer = await create(node, {
    Publish: false,
    VpcConfig: { SubnetIds: [], SecurityGroupIds: [] },
    Layers: [],
    DeadLetterConfig: {},
    TracingConfig: { Mode: 'PassThrough' },
    SnapStart: { ApplyOn: 'None' },
    EphemeralStorage: { Size: 512 },
    Architectures: ['arm64'],
    PackageType: 'Zip',
    LoggingConfig: { LogFormat: 'Text' },
    SomethingNew: { a: 1 }
  })
  t.is(answer.status, 201)
})

for (const body of ['', '[]', 'null', '{', '"x"', '\u00ff', '{"__proto__":{"FunctionName":"made"}}']) {
  test(`CreateFunction refuses the body ${JSON.stringify(body)}`, async (t) => {
    const node = await start(t)
    const answer = await call(node, { method: 'POST', path: '/2015-03-31/functions', body })
    t.is(answer.status, 400)
    t.is(node.catalog.list('function').length, 1)
  })
}

test('an error has the shape of Lambda: type header, right key, Type', async (t) => {
  const node = await start(t)
  const missing = await call(node, { path: '/2015-03-31/functions/nobody' })
  t.is(missing.status, 404)
  t.is(missing.headers['x-amzn-errortype'], 'ResourceNotFoundException')
  t.truthy(missing.headers['x-amzn-requestid'])
  t.deepEqual(missing.json(), {
    Type: 'User',
    Message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody'
  })
  await create(node, {})
  const conflict = await create(node, {})
  t.is(conflict.status, 409)
  t.deepEqual(Object.keys(conflict.json()), ['Type', 'message'])
  const unsigned = await ask(node, { path: '/2015-03-31/functions' })
  t.is(unsigned.status, 403)
  t.deepEqual(unsigned.json(), { message: 'Missing Authentication Token' })
  t.is(unsigned.headers['x-amzn-errortype'], 'MissingAuthenticationTokenException')
})

test('throttling is 429 with Reason and Retry-After', async (t) => {
  const node = await start(t)
  const { PeerlessError } = await import('@peerless/interface')
  node.behave(() => Promise.reject(new PeerlessError('THROTTLED', 'Rate Exceeded.', { detail: { retryAfterMs: 1_500 } })))
  const answer = await call(node, { method: 'POST', path: '/2015-03-31/functions/hello/invocations' })
  t.is(answer.status, 429)
  t.is(answer.headers['retry-after'], '2')
  t.deepEqual(answer.json(), { Reason: 'ConcurrentInvocationLimitExceeded', Type: 'User', message: 'Rate Exceeded.' })
})

test('the path is routed as it came: an encoded slash stays in its segment, dots go nowhere', async (t) => {
  const node = await start(t)
  for (const path of [
    '/2015-03-31/functions/hello%2Fconfiguration',
    '/2015-03-31/functions/x/../hello',
    '/2015-03-31/functions/hello/configuration/more',
    '/2015-03-31//functions/hello',
    '/2014-11-13/functions/hello/invoke-async',
    '/9999-99-99/functions'
  ]) {
    const answer = await call(node, { path })
    t.true(answer.status === 404 || answer.status === 400, `${path} ${answer.status}`)
  }
  t.is((await call(node, { path: '/2015-03-31/functions/' })).status, 200)
  const arn = encodeURIComponent('arn:aws:lambda:us-east-1:000000000000:function:hello')
  t.is((await call(node, { path: `/2015-03-31/functions/${arn}/configuration` })).status, 200)
})

test('an operation that is none of Lambda is refused as unknown', async (t) => {
  const answer = await call(await start(t), { path: '/2015-03-31/nothing' })
  t.is(answer.headers['x-amzn-errortype'], 'UnknownOperationException')
  t.regex(answer.text, /GET \/2015-03-31\/nothing is no operation/)
})

test('Invoke refuses wrong headers with the value and the rule', async (t) => {
  const node = await start(t)
  const path = '/2015-03-31/functions/hello/invocations'
  const cases: [Record<string, string>, RegExp][] = [
    [{ 'x-amz-invocation-type': 'Later' }, /'Later' at 'invocationType'/],
    [{ 'x-amz-log-type': 'All' }, /'All' at 'logType'/],
    [{ 'x-amz-client-context': '!!' }, /not base64/],
    [{ 'x-amz-client-context': Buffer.from('[1]').toString('base64') }, /not an object/],
    [{ 'x-amz-client-context': Buffer.from('{').toString('base64') }, /Client context must be/],
    [{ 'x-amz-client-context': 'A'.repeat(3_584) }, /3584 bytes/]
  ]
  for (const [headers, message] of cases) {
    const answer = await call(node, { method: 'POST', path, headers })
    t.is(answer.status, 400)
    t.regex(String(answer.json().message), message)
  }
  const mismatch = await call(node, { method: 'POST', path: `${path.replace('hello', 'hello:$LATEST')}?Qualifier=2` })
  t.regex(String(mismatch.json().message), /derived qualifier/)
  t.is(node.orders.length, 0)
})

test('ListFunctions refuses a marker or a size that it did not give', async (t) => {
  const node = await start(t)
  for (const query of ['MaxItems=0', 'MaxItems=x', 'MaxItems=10001', 'Marker=!', 'FunctionVersion=1']) {
    t.is((await call(node, { path: `/2015-03-31/functions?${query}` })).status, 400, query)
  }
})

test('$LATEST is not deleted on its own, and a function not by its version', async (t) => {
  const node = await start(t)
  const latest = await call(node, { method: 'DELETE', path: '/2015-03-31/functions/hello?Qualifier=%24LATEST' })
  t.regex(latest.text, /\$LATEST version cannot be deleted/)
  t.is((await call(node, { method: 'DELETE', path: '/2015-03-31/functions/hello?Qualifier=1' })).status, 204)
  t.truthy(node.catalog.get('function', 'hello'))
})

test('the download URL of the code holds for ten minutes, for this function and this code', async (t) => {
  const node = await start(t)
  await create(node, {})
  const got = await call(node, { path: '/2015-03-31/functions/made' })
  const { Code } = got.json() as { Code: { Location: string } }
  const path = Code.Location.slice(node.url.length)
  t.true(Code.Location.startsWith(`${node.url}/v1/code/made?cid=`))
  const download = await ask(node, { path })
  t.is(download.status, 200)
  t.true(download.body.equals(ZIP))
  for (const wrong of [
    path.replace('made', 'hello'),
    path.slice(0, -1),
    path.replace(/token=\d/, 'token=9'),
    path.replace(/bytes=\d/, 'bytes=9'),
    path.replace(/cid=cid-./, 'cid=cid-x'),
    '/v1/code/made',
    '/v1/code/no?token=1.x'
  ]) {
    t.is((await ask(node, { path: wrong })).status, 403, wrong)
  }
  await node.clock.advance(600_001)
  t.regex((await ask(node, { path })).text, /expired/)
})

test('a deploy above the limits is refused: the body before it is read, the zip after it', async (t) => {
  const node = await start(t)
  const zip = Buffer.alloc(52_428_800).toString('base64')
  const answer = await create(node, { Code: { ZipFile: zip } })
  t.is(answer.status, 413)
  t.is(answer.headers['x-amzn-errortype'], 'RequestEntityTooLargeException')
  t.regex(answer.text, /Zipped size must be smaller than 52428800 bytes/)
  const path = '/2015-03-31/functions'
  const request = await signed(
    node,
    node.deployer,
    { method: 'POST', path },
    { date: new Date(node.clock.now()), withoutHash: true }
  )
  const huge = await ask(node, {
    ...request,
    headers: { ...request.headers, 'content-length': '70167212', expect: '100-continue' }
  })
  t.is(huge.status, 413)
  t.regex(huge.text, /Request must be smaller than 70167211 bytes for the CreateFunction operation/)
})

test('an account stores so much code, and no more; others are not in its way', async (t) => {
  const node = await start(t, { limits: { codeBytesMax: ZIP.length * 2 } })
  await node.catalog.remove('function', 'hello')
  const refused = (answer: Answer) => {
    t.is(answer.status, 400)
    t.is(answer.headers['x-amzn-errortype'], 'CodeStorageExceededException')
    t.regex(answer.text, new RegExp(`^\\{.*Code storage limit exceeded: account 'team' has ${ZIP.length * 2} bytes`))
  }
  const path = '/2015-03-31/functions'
  t.is((await create(node, { FunctionName: 'one' })).status, 201)
  t.is((await call(node, { method: 'POST', path: `${path}/one/versions`, body: '{}' })).status, 201)
  refused(await create(node, { FunctionName: 'two' }))
  refused(await call(node, { method: 'POST', path: `${path}/one/versions`, body: '{}' }))
  const content = { Content: { ZipFile: ZIP.toString('base64') } }
  refused(await call(node, { method: 'POST', path: '/2018-10-31/layers/big/versions', body: JSON.stringify(content) }))
  const same = JSON.stringify({ ZipFile: ZIP.toString('base64') })
  t.is((await call(node, { method: 'PUT', path: `${path}/one/code`, body: same })).status, 200, 'what takes the place of another')
  t.is((await call(node, { method: 'POST', path, body: JSON.stringify(GOOD) }, node.stranger)).status, 201)
  t.is((await call(node, { method: 'DELETE', path: `${path}/one` })).status, 204)
  t.is((await create(node, { FunctionName: 'two' })).status, 201)
})
