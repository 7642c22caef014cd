import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Reply, startFakeNode, temporaryFolder } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const HELLO = 'POST /2015-03-31/functions/hello/invocations'
const HEADERS = {
  'x-amzn-requestid': '11111111-2222-4333-8444-555555555555',
  'x-peerless-node': '12D3KooWabcdefghijklmnop',
  'x-peerless-duration-ms': '12.25',
  'x-peerless-billed-ms': '100',
  'x-peerless-charge': '12810'
}
const ok = (body: string, headers = {}): Reply => ({ headers: { ...HEADERS, ...headers }, body })

test('the result is alone on stdout, the summary on stderr', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('{"greeting":"Hello Ada"}', { 'x-peerless-cold': '1' }) })
  const { code, stdout, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--data', '{"name":"Ada"}'])
  t.is(code, 0)
  t.is(stdout, '{"greeting":"Hello Ada"}\n')
  for (const part of ['ijklmnop', '12.25 ms', 'billed 100 ms', 'charge 12,810', 'cold', HEADERS['x-amzn-requestid']]) {
    t.true(stderr.includes(part), `${stderr} must say ${part}`)
  }
  const call = node.received[0]
  t.true(call?.signed)
  t.is(call?.body.toString(), '{"name":"Ada"}')
  t.is(call?.headers['x-amz-invocation-type'], 'RequestResponse')
})

test('JSON has exactly the documented fields', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('[1,2]') })
  const { code, stdout, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--json'])
  t.is(code, 0)
  t.is(stderr, '')
  t.deepEqual(JSON.parse(stdout), {
    requestId: HEADERS['x-amzn-requestid'],
    node: HEADERS['x-peerless-node'],
    durationMs: 12.25,
    billedMs: 100,
    charge: 12810,
    cold: false,
    functionError: null,
    result: [1, 2]
  })
})

test('a function that fails ends the command with 1 and tells its error', async (t) => {
  const failure = '{"errorType":"TypeError","errorMessage":"no \\u001b[31mname"}'
  const node = await startFakeNode(t, { [HELLO]: ok(failure, { 'x-amz-function-error': 'Unhandled' }) })
  const plain = await runCommand(['--data', node.data, 'invoke', 'hello'])
  t.is(plain.code, 1)
  t.is(plain.stdout, `${failure}\n`)
  t.true(plain.stderr.includes('TypeError: no \\u001b[31mname'), plain.stderr)
  const json = await runCommand(['--data', node.data, 'invoke', 'hello', '--json'])
  t.is(json.code, 1)
  t.is(JSON.parse(json.stdout).functionError, 'Unhandled')
})

test('the qualifier of a name or ARN goes into the query', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('1') })
  for (const name of ['hello:$LATEST', 'arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST']) {
    t.is((await runCommand(['--data', node.data, 'invoke', name])).code, 0)
  }
  t.deepEqual(
    node.received.map(({ query, signed }) => [query.Qualifier, signed]),
    [
      ['$LATEST', true],
      ['$LATEST', true]
    ]
  )
})

test('the payload comes from a file or from stdin', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('1') })
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'event.json'), '{"from":"file"}')
  await runCommand(['--data', node.data, 'invoke', 'hello', '--data', '@event.json'], { cwd })
  await runCommand(['--data', node.data, 'invoke', 'hello', '--data', '-'], { stdin: '{"from":"stdin"}' })
  await runCommand(['--data', node.data, 'invoke', 'hello'])
  t.deepEqual(
    node.received.map(({ body }) => body.toString()),
    ['{"from":"file"}', '{"from":"stdin"}', '']
  )
})

test('a byte order mark, as editors on Windows write it, is no part of the payload', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('1') })
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'event.json'), '\ufeff{"from":"file"}')
  await writeFile(join(cwd, 'nothing.json'), '\ufeff')
  for (const data of ['@event.json', '@nothing.json']) {
    const { code, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--data', data], { cwd })
    t.is(code, 0, stderr)
  }
  t.deepEqual(
    node.received.map(({ body }) => body.toString()),
    ['{"from":"file"}', '']
  )
})

test('a payload that cannot be read, is too large or no JSON never leaves', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('1') })
  const invoke = (data: string, stdin = '') => runCommand(['--data', node.data, 'invoke', 'hello', '--data', data], { stdin })
  const missing = await invoke('@nowhere.json')
  t.is(missing.code, 1)
  t.true(missing.stderr.includes('@nowhere.json'), missing.stderr)
  const large = await invoke('-', `"${'x'.repeat(6_291_556)}"`)
  t.is(large.code, 1)
  t.true(large.stderr.includes('6291556'), large.stderr)
  const broken = await invoke('-', '{')
  t.is(broken.code, 1)
  t.false(broken.stderr.includes('Quote it for the shell'), broken.stderr)
  t.is(node.received.length, 0)
})

test('an event of no characters is no event, and no data folder either', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: ok('1') })
  // The folder of the machine's own is another one, and the current folder exists.
  const { code, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--data', ''], { cwd: import.meta.dirname })
  t.is(code, 0, stderr)
  t.deepEqual(
    node.received.map(({ body }) => body.toString()),
    ['']
  )
})

test('--tail prints the log on stderr, without its control characters', async (t) => {
  const log = Buffer.from('START\nevil \u001b]0;title\u0007\nEND').toString('base64')
  const node = await startFakeNode(t, { [HELLO]: ok('1', { 'x-amz-log-result': log }) })
  const { stdout, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--tail'])
  t.is(stdout, '1\n')
  t.true(stderr.startsWith('START\nevil \\u001b]0;title\\u0007\nEND\n'), stderr)
  t.is(node.received[0]?.headers['x-amz-log-type'], 'Tail')
})

test('--async queues and prints the request id alone', async (t) => {
  const node = await startFakeNode(t, { [HELLO]: { status: 202, headers: { 'x-amzn-requestid': 'r1' } } })
  const { code, stdout, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--async'])
  t.is(code, 0)
  t.is(stdout, 'r1\n')
  t.true(stderr.includes('queued, request r1'))
  t.is(node.received[0]?.headers['x-amz-invocation-type'], 'Event')
  const json = await runCommand(['--data', node.data, 'invoke', 'hello', '--async', '--json'])
  t.like(JSON.parse(json.stdout), { requestId: 'r1', node: null, durationMs: null, cold: null, result: null })
})

test('a call that the node refuses is a failure of the command, not of the function', async (t) => {
  const node = await startFakeNode(t, {
    [HELLO]: {
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
      json: { Message: 'Function not found: hello', Type: 'User' }
    }
  })
  const { code, stdout, stderr } = await runCommand(['--data', node.data, 'invoke', 'hello', '--json'])
  t.is(code, 1)
  t.is(stdout, '')
  t.true(stderr.includes('Function not found: hello (ResourceNotFoundException)'))
  t.true(stderr.includes('peerless ls'))
})
