import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { dataFolder, KEY, startFakeNode, temporaryFolder } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const COMMANDS: string[][] = [
  ['invite'],
  ['env'],
  ['keys', 'list'],
  ['invoke', 'hello'],
  ['ls'],
  ['show', 'hello'],
  ['rm', 'hello'],
  ['peers'],
  ['top', '--once'],
  ['logs', 'hello'],
  ['ledger', 'balance'],
  ['ledger', 'statement'],
  ['ledger', 'verify']
]

test('without a running node every command says so, and how to start one', async (t) => {
  const data = await temporaryFolder(t)
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await runCommand(['--data', data, ...command])
    t.is(code, 1, command.join(' '))
    t.is(stdout, '')
    t.true(stderr.includes(`no node runs with the data folder ${data}`), stderr)
    t.true(stderr.includes(`peerless up --data ${data}`), stderr)
  }
})

test('where the node has left its mesh every command says that, and not to start it again', async (t) => {
  const data = await temporaryFolder(t)
  await writeFile(join(data, 'left.json'), '{}')
  for (const command of COMMANDS) {
    const { code, stderr } = await runCommand(['--data', data, ...command])
    t.is(code, 1, command.join(' '))
    t.true(stderr.includes(`the node of the data folder ${data} has left its mesh`), stderr)
    t.false(stderr.includes('up --data'), stderr)
  }
})

test('when the process of the data folder is gone, the error says that too', async (t) => {
  // A process that has ended, and a port that was free a moment ago.
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const data = await dataFolder(t, { http: `http://127.0.0.1:${port}`, pid, ...KEY, region: 'r' })
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await runCommand(['--data', data, ...command])
    t.is(code, 1, command.join(' '))
    t.is(stdout, '')
    t.true(
      stderr.includes(`http://127.0.0.1:${port} does not answer: nothing listens there (its process ${pid} is gone)`),
      stderr
    )
    t.true(stderr.includes(`peerless up --data ${data}`))
  }
})

const refuses = test.macro({
  exec: async (t, daemon: unknown, says: string) => {
    const { code, stderr } = await runCommand(['peers', '--data', await dataFolder(t, daemon)])
    t.true(code > 0)
    t.true(stderr.includes(says), stderr)
  },
  title: (title = '') => `a daemon.json ${title} is refused`
})
test('that is no JSON', refuses, '{', 'not what a running node writes')
test('that is a list', refuses, '[]', 'not what a running node writes')
test('without a key', refuses, { http: 'http://127.0.0.1:1' }, 'accessKeyId')
test('whose address is none', refuses, { ...KEY, http: 'file:///etc/passwd' }, "'file:///etc/passwd'")
test('that is far too large', refuses, { ...KEY, http: 'http://127.0.0.1:1', x: 'x'.repeat(70_000) }, '65536 bytes')

test('the data folder is that of --data, else of $PEERLESS_DATA, else ~/.peerless', async (t) => {
  const env = { PEERLESS_DATA: '/nonexistent/env' }
  const machine = { env, home: '/nonexistent/home', cwd: '/nonexistent/cwd' }
  const folderOf = async (argv: string[], where = machine) =>
    /data folder (\S+):/.exec((await runCommand(argv, where)).stderr)?.[1]
  t.is(await folderOf(['peers', '--data', 'flag']), '/nonexistent/cwd/flag')
  t.is(await folderOf(['--data', '/nonexistent/before', 'peers']), '/nonexistent/before')
  t.is(await folderOf(['--data', '/nonexistent/before', 'peers', '--data', '/nonexistent/after']), '/nonexistent/after')
  t.is(await folderOf(['--data', '/nonexistent/before', 'invoke', 'f', '--data', '{}']), '/nonexistent/before')
  t.is(await folderOf(['ledger', '--data', '/nonexistent/group', 'balance']), '/nonexistent/group')
  const folder = await temporaryFolder(t)
  t.is(await folderOf(['invoke', 'f', '--data', '{}', '--data', folder]), folder)
  t.is(await folderOf(['invoke', 'f', '--data', folder, '--data', '{}']), folder)
  t.is(await folderOf(['peers']), '/nonexistent/env')
  t.is(await folderOf(['peers'], { ...machine, env: {} as typeof env }), '/nonexistent/home/.peerless')
})

test('--node signs with the keys in the environment, and says what is missing', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/peers': { json: [] } })
  const missing = await runCommand(['peers', '--node', node.origin])
  t.is(missing.code, 1)
  t.true(missing.stderr.includes('AWS_ACCESS_KEY_ID'))
  const env = { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey, AWS_REGION: 'eu-test-1' }
  const found = await runCommand(['peers', '--node', node.origin, '--json'], { env })
  t.is(found.code, 0, found.stderr)
  t.true(node.received[0]?.signed)
})

test('a token is redeemed without keys, and the key is shown', async (t) => {
  const key = { ...KEY, role: 'deployer', account: 'home' }
  const node = await startFakeNode(t, { 'POST /v1/invites/redeem': { status: 201, json: key } })
  const told = await runCommand(['keys', 'redeem', 'plinv1.abc', '--node', node.origin])
  t.is(told.code, 0, told.stderr)
  t.regex(
    told.stdout,
    new RegExp(`access key id +${KEY.accessKeyId}\\nsecret access key +${KEY.secretAccessKey}\\nrole +deployer\\naccount +home`)
  )
  t.false(node.received[0]?.signed)
  t.deepEqual(JSON.parse(String(node.received[0]?.body)), { token: 'plinv1.abc' })
  t.deepEqual(JSON.parse((await runCommand(['keys', 'redeem', 'plinv1.abc', '--data', node.data, '--json'])).stdout), key)
})

test('a refusal tells what the node said, its code and what to do', async (t) => {
  const node = await startFakeNode(t, {
    'GET /v1/peers': { status: 403, json: { code: 'FORBIDDEN', message: 'an invoker may not\u001b[2J see peers' } },
    'GET /v1/ledger/balance': {
      status: 503,
      headers: { 'retry-after': '3' },
      json: { code: 'UNAVAILABLE', message: 'draining' }
    },
    'GET /2015-03-31/functions': {
      status: 429,
      headers: { 'x-amzn-errortype': 'TooManyRequestsException:http://x' },
      json: { message: 'Rate Exceeded.', Type: 'User' }
    },
    'GET /v1/keys': { status: 502, body: '<html>proxy</html>' }
  })
  const stderrOf = async (...argv: string[]) => {
    const { code, stdout, stderr } = await runCommand([...argv, '--data', node.data])
    t.is(code, 1)
    t.is(stdout, '')
    return stderr
  }
  const forbidden = await stderrOf('peers')
  t.true(forbidden.includes('an invoker may not\\u001b[2J see peers (FORBIDDEN)'), forbidden)
  t.true(forbidden.includes('peerless keys list'))
  t.true((await stderrOf('ledger', 'balance')).includes('after 3 s'))
  t.true((await stderrOf('ls')).includes('Rate Exceeded. (TooManyRequestsException)'))
  t.true((await stderrOf('keys', 'list')).includes('(HTTP 502)'))
})

test('an answer that is no JSON, or JSON of another shape, is an error and no crash', async (t) => {
  for (const body of ['', 'oops', '{}', '[1]', 'null', '"x"']) {
    const routes = [
      'GET /v1/peers',
      'GET /v1/keys',
      'GET /v1/ledger/balance',
      'GET /2015-03-31/functions',
      'GET /2015-03-31/functions/f'
    ]
    const node = await startFakeNode(t, Object.fromEntries(routes.map((route) => [route, { body }])))
    for (const command of [['peers'], ['keys', 'list'], ['ledger', 'balance'], ['ls'], ['show', 'f'], ['top', '--once']]) {
      const { code, stderr } = await runCommand([...command, '--data', node.data])
      t.is(code, 1, `${command.join(' ')} on ${body}`)
      t.false(stderr.includes('bug in peerless'), stderr)
    }
  }
})

test('a node that hangs up in the middle of its answer is reported', async (t) => {
  const node = await startFakeNode(t, {
    'GET /v1/peers': { headers: { 'content-length': '100' }, stream: (response) => response.write('[', () => response.destroy()) }
  })
  const { code, stderr } = await runCommand(['peers', '--data', node.data])
  t.is(code, 1)
  t.true(stderr.includes('does not answer: the connection broke'), stderr)
})
