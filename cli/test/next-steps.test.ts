import test from 'ava'
import { startFakeNode } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const ID = '01234567-89ab-cdef-0123-456789abcdef'

const advises = test.macro({
  exec: async (t, argv: string[], advice: string) => {
    // Knows nothing at all: whatever is asked for is not there.
    const node = await startFakeNode(t, {})
    const { code, stdout, stderr } = await runCommand([...argv, '--data', node.data])
    t.is(code, 1)
    t.is(stdout, '')
    t.true(stderr.includes(advice), `${stderr} must say ${advice}`)
  },
  title: (title = '') => `${title} that is not there: the error says where to look`
})

test('a function', advises, ['rm', 'hello'], "'peerless ls'")
test('a key', advises, ['keys', 'revoke', 'PLKA0123456789ABCDEF'], "'peerless keys list'")
test('a trigger', advises, ['triggers', 'show', 'nightly'], "'peerless triggers ls'")
test('a trigger to pause', advises, ['triggers', 'pause', 'nightly'], "'peerless triggers ls'")
test('a trigger to remove', advises, ['triggers', 'rm', 'nightly'], "'peerless triggers ls'")
test('a dead letter', advises, ['dead-letters', 'show', ID], "'peerless dead-letters list'")
test('a dead letter to send again', advises, ['dead-letters', 'redrive', ID], "'peerless dead-letters list'")
test('an alias', advises, ['alias', 'rm', 'hello:live'], "'peerless alias ls hello'")
test('a result', advises, ['result', ID], "'peerless logs NAME'")

for (const [status, advice] of [
  [400, 'Correct what that names'],
  [402, 'Raise the budget'],
  [403, "'peerless keys list'"],
  [409, 'Look at how it is now'],
  [413, 'Send less'],
  [429, 'Try again'],
  [500, 'request id'],
  [503, 'Try again']
] as const) {
  test(`an answer of ${status} says what to do next`, async (t) => {
    const node = await startFakeNode(t, { 'DELETE /2015-03-31/functions/hello': { status, json: { Message: 'no' } } })
    const { code, stderr } = await runCommand(['rm', 'hello', '--data', node.data])
    t.is(code, 1)
    t.regex(stderr, /^error: rm hello: no \(/)
    t.true(stderr.includes(advice), stderr)
  })
}

test('a token that does not hold leads to a new token, not to the keys that there are', async (t) => {
  const node = await startFakeNode(t, {
    'POST /v1/invites/redeem': { status: 403, json: { code: 'INVALID_INVITE', message: 'the invite token was used' } }
  })
  const { code, stderr } = await runCommand(['keys', 'redeem', 'plinv1.x', '--data', node.data])
  t.is(code, 1)
  t.is(
    stderr,
    "error: keys redeem: the invite token was used (INVALID_INVITE)\nAsk for a new token: 'peerless invite' on a node of the mesh prints one.\n"
  )
})

test('a signature of another time leads to the clocks, not to the keys that there are', async (t) => {
  const message = "Signature expired: 20260101T000000Z is more than 15 minutes from this node's time 20260101T010000Z"
  const node = await startFakeNode(t, {
    'DELETE /2015-03-31/functions/hello': { status: 403, json: { __type: 'InvalidSignatureException', message } }
  })
  const { stderr } = await runCommand(['rm', 'hello', '--data', node.data])
  t.regex(stderr, /\nSet the clocks of this machine and of the node: one of the two is wrong\.\n$/)
})

for (const message of [
  'the catalog could not be written to disk: database or disk is full',
  "the queue's disk refused: database or disk is full"
]) {
  test(`a disk that is full leads there, not to nodes that are busy: ${message}`, async (t) => {
    const refused = { status: 503, headers: { 'retry-after': '1' }, json: { message } }
    const node = await startFakeNode(t, { 'DELETE /2015-03-31/functions/hello': refused })
    const { stderr } = await runCommand(['rm', 'hello', '--data', node.data])
    t.regex(stderr, /\nSee to the disk of that node's data folder/)
  })
}

test('an alias that is led to a version that there is not says so, whether the alias is there or not', async (t) => {
  const missing = {
    status: 404,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
    json: { Message: 'Function not found: hello:9' }
  }
  const exists = {
    status: 409,
    headers: { 'x-amzn-errortype': 'ResourceConflictException' },
    json: { Message: 'Alias already exists' }
  }
  for (const create of [missing, exists]) {
    const node = await startFakeNode(t, {
      'PUT /2015-03-31/functions/hello/aliases/live': missing,
      'POST /2015-03-31/functions/hello/aliases': create
    })
    const { code, stderr } = await runCommand(['alias', 'set', 'hello:live', '9', '--data', node.data])
    t.is(code, 1)
    t.regex(stderr, /Function not found: hello:9/)
  }
})

test('the options that say which node may stand between a group and its command', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/triggers': { json: [] }, 'GET /v1/dead-letters': { json: [] } })
  t.is((await runCommand(['triggers', '--data', node.data, 'ls', '--json'])).stdout, '[]\n')
  t.is((await runCommand(['dead-letters', '--data', node.data, 'list', '--json'])).stdout, '[]\n')
  t.like(await runCommand(['triggers', 'add', '--data', node.data, 'schedule', 'x', '@daily', '--function', 'f']), { code: 1 })
  t.is(node.received.length, 3)
})
