import { execFileSync } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import test from 'ava'
import { quote } from '../src/commands/env.ts'
import { KEY, REGION, startFakeNode } from './_fake-node.ts'
import { NOW, runCommand } from './_host.ts'

const PEERS = [
  {
    peerId: '12D3KooWone',
    name: 'one',
    self: true,
    status: 'connected',
    addresses: ['/ip4/127.0.0.1/tcp/1'],
    slots: 2,
    inFlight: 1,
    version: '0.1.0'
  },
  {
    peerId: '12D3KooWtwo',
    name: 'evil\u001b[2J',
    self: false,
    status: 'unreachable',
    addresses: [],
    rttMs: 1.25,
    clockOffsetMs: -7_200_000,
    slots: 4,
    inFlight: 0,
    version: '0.1.0'
  }
]

test('peers prints the node’s list unchanged as JSON, and a table that no name can repaint', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/peers': { json: PEERS } })
  const json = await runCommand(['peers', '--json', '--data', node.data])
  t.deepEqual(JSON.parse(json.stdout), PEERS)
  const { stdout } = await runCommand(['peers', '--data', node.data])
  const lines = stdout.trimEnd().split('\n')
  t.regex(lines[0] ?? '', /^NAME +STATUS +RTT +IN FLIGHT +SLOTS +VERSION +PEER ID +CLOCK +ADDRESSES$/)
  t.regex(lines[1] ?? '', /^one \(this\) +connected +- +1 +2 +0\.1\.0 +12D3KooWone +- +\/ip4/)
  t.regex(lines[2] ?? '', /^evil\\u001b\[2J +unreachable +1\.3 ms .* -7200 s$/)
  t.false(stdout.includes('\u001b'))
})

test('invite prints the token alone and asks for what was said', async (t) => {
  const node = await startFakeNode(t, { 'POST /v1/invites': { json: { token: 'tok.en' } } })
  const { stdout, stderr } = await runCommand([
    'invite',
    '--role',
    'deployer',
    '--ttl',
    '90m',
    '--uses',
    '3',
    '--data',
    node.data
  ])
  t.is(stdout, 'tok.en\n')
  t.is(stderr, `Whoever has it makes a key of it: peerless keys redeem TOKEN --node ${node.origin}\n`)
  await runCommand(['invite', '--data', node.data])
  t.deepEqual(
    node.received.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body.toString())),
    [
      { role: 'deployer', ttlSeconds: 5_400, uses: 3 },
      { role: 'node', ttlSeconds: 3_600, uses: 1 }
    ]
  )
})

test('invite says beside the token when no other machine could use it', async (t) => {
  const token = { 'POST /v1/invites': { json: { token: 'tok.en' } } }
  const inviteAt = async (...addresses: string[]) => {
    const node = await startFakeNode(t, { ...token, 'GET /v1/peers': { json: [{ ...PEERS[0], addresses }, PEERS[1]] } })
    return await runCommand(['invite', '--data', node.data])
  }
  const alone = await inviteAt('/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2')
  t.is(alone.stdout, 'tok.en\n')
  t.regex(alone.stderr, /loopback only.*\n.*--listen/)
  t.is((await inviteAt('/ip4/127.0.0.1/tcp/1', '/ip4/192.0.2.1/tcp/1')).stderr, '')
  const unasked = await startFakeNode(t, token)
  t.like(await runCommand(['invite', '--data', unasked.data]), { stdout: 'tok.en\n', stderr: '' })
})

test('a shell that evaluates env has the node’s address and keys, whatever is in them', async (t) => {
  const node = await startFakeNode(t, { 'GET /healthz': { body: 'ok' } })
  const { stdout } = await runCommand(['env', '--data', node.data])
  const script = `${stdout}printf '%s\\n' "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_DEFAULT_REGION"`
  const values = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: {} })
  t.deepEqual(values.trimEnd().split('\n'), [node.origin, KEY.accessKeyId, KEY.secretAccessKey, REGION])
  t.is(stdout.trimEnd().split('\n').length, 1)
})

test('quoting survives a shell', (t) => {
  for (const value of ['', 'plain', 'a b', "it's", '$(touch x)', '`x`', '"', '\\', '*', 'a\nb', '!x']) {
    t.is(execFileSync('/bin/sh', ['-c', `printf %s ${quote(value)}`], { encoding: 'utf8' }), value)
  }
})

test('keys are created, listed without secrets, and revoked', async (t) => {
  const key = { accessKeyId: 'PLKA0123456789ABCDEF', secretAccessKey: 's', role: 'deployer', account: 'ada' }
  const node = await startFakeNode(t, {
    'POST /v1/keys': { status: 201, json: key },
    'GET /v1/keys': { json: [key, { accessKeyId: 'AK2', role: 'admin', account: 'root' }] },
    'DELETE /v1/keys/PLKA0123456789ABCDEF': { status: 204 }
  })
  const created = await runCommand(['keys', 'create', '--account', 'ada', '--json', '--data', node.data])
  t.deepEqual(JSON.parse(created.stdout), key)
  t.deepEqual(JSON.parse(String(node.received[0]?.body)), { role: 'deployer', account: 'ada' })
  const listed = await runCommand(['keys', 'list', '--json', '--role', 'deployer', '--data', node.data])
  t.deepEqual(JSON.parse(listed.stdout), [{ accessKeyId: 'PLKA0123456789ABCDEF', role: 'deployer', account: 'ada' }])
  const revoked = await runCommand(['keys', 'revoke', 'PLKA0123456789ABCDEF', '--data', node.data])
  t.is(revoked.code, 0, revoked.stderr)
})

test('ls follows the pages of the listing', async (t) => {
  const node = await startFakeNode(t, {
    'GET /2015-03-31/functions': ({ query }) => ({
      json:
        query.Marker === 'm1' ? { Functions: [{ FunctionName: 'b' }] } : { Functions: [{ FunctionName: 'a' }], NextMarker: 'm1' }
    })
  })
  const { stdout } = await runCommand(['ls', '--json', '--data', node.data])
  t.deepEqual(
    JSON.parse(stdout).map((one: { FunctionName: string }) => one.FunctionName),
    ['a', 'b']
  )
})

test('show names the variables of a function, and their values only in JSON', async (t) => {
  const node = await startFakeNode(t, {
    'GET /2015-03-31/functions/f': {
      json: {
        Configuration: { FunctionName: 'f', CodeSize: 1234, PeerlessCid: 'bafy', Environment: { Variables: { TOKEN: 'hush' } } }
      }
    }
  })
  const plain = await runCommand(['show', 'f', '--data', node.data])
  t.true(plain.stdout.includes('TOKEN'))
  t.true(plain.stdout.includes('bafy'))
  t.false(plain.stdout.includes('hush'))
  t.is(JSON.parse((await runCommand(['show', 'f', '--json', '--data', node.data])).stdout).Environment.Variables.TOKEN, 'hush')
  const missing = await runCommand(['show', 'g', '--data', node.data])
  t.is(missing.code, 1)
  t.true(missing.stderr.includes("'g'"))
})

const LOG = {
  time: NOW,
  level: 'error',
  message: 'bad\u001b[2J\n',
  function: 'f',
  version: '1',
  requestId: '01a229d1-768e-7c3b-8882-44670710cf95',
  instance: 'i',
  node: 'n'
}

test('logs come line by line as they were sent, and harmless for a terminal', async (t) => {
  const text = `${JSON.stringify(LOG)}\n\n${JSON.stringify({ ...LOG, message: 'ü'.repeat(20_000) })}\n`
  const node = await startFakeNode(t, { 'GET /v1/logs': { body: text } })
  const json = await runCommand(['logs', 'f', '--json', '--since', '5m', '--data', node.data])
  t.is(json.stdout, text.replace('\n\n', '\n'))
  t.deepEqual(node.received[0]?.query, { function: 'f', since: String(NOW - 300_000) })
  const plain = await runCommand(['logs', 'f', '--data', node.data])
  t.true(plain.stdout.startsWith('2026-05-01T12:00:00.000Z n 0710cf95 ERROR    bad\\u001b[2J\n'), plain.stdout.slice(0, 100))
})

test('following logs ends without error when it is interrupted, and with one when the node ends it', async (t) => {
  const streams: ServerResponse[] = []
  const node = await startFakeNode(t, {
    'GET /v1/logs': {
      stream: (response) => {
        streams.push(response)
        response.write(`${JSON.stringify(LOG)}\n`)
      }
    }
  })
  const controller = new AbortController()
  const interrupted = await runCommand(['logs', 'f', '-f', '--data', node.data], {
    interrupt: controller.signal,
    onStdout: () => controller.abort()
  })
  t.is(interrupted.code, 0, interrupted.stderr)
  const ended = await runCommand(['logs', 'f', '-f', '--data', node.data], { onStdout: () => streams[1]?.end() })
  t.is(ended.code, 1)
  t.true(ended.stderr.includes('ended the stream'))
  t.is(node.received[0]?.query.follow, '1')
})

test('a line of the log that is no JSON, or endless, is refused with its number', async (t) => {
  for (const [text, says] of [
    [`${JSON.stringify(LOG)}\noops\n`, 'line 2'],
    [`${JSON.stringify(LOG)}\n${'x'.repeat(200_000)}`, 'line 2 is longer than 131072']
  ] as const) {
    const node = await startFakeNode(t, { 'GET /v1/logs': { body: text } })
    const { code, stderr } = await runCommand(['logs', 'f', '--data', node.data])
    t.is(code, 1)
    t.true(stderr.includes(says), stderr)
  }
})

test('balances keep every digit', async (t) => {
  const balances = [
    { account: 'a', balance: '-123456789012345678901' },
    { account: 'b', balance: '123456789012345678901' }
  ]
  const node = await startFakeNode(t, { 'GET /v1/ledger/balance': { json: balances } })
  t.deepEqual(JSON.parse((await runCommand(['ledger', 'balance', '--json', '--data', node.data])).stdout), balances)
  const { stdout } = await runCommand(['ledger', 'balance', '--account', 'a', '--data', node.data])
  t.true(stdout.includes('-123,456,789,012,345,678,901'))
  t.is(node.received[1]?.query.account, 'a')
})

test('balances of a time ask for it, and say from when on there is any', async (t) => {
  const headers = { 'x-peerless-itemised-from': String(NOW - 3_600_000) }
  const node = await startFakeNode(t, { 'GET /v1/ledger/balance': { json: [{ account: 'a', balance: '1' }], headers } })
  const of = (...flags: string[]) => runCommand(['ledger', 'balance', '--json', '--data', node.data, ...flags])
  t.regex((await of('--from', '2h', '--to', '1m')).stderr, /^receipts are kept from 2026-05-01T11:00/)
  t.deepEqual(node.received[0]?.query, { from: String(NOW - 7_200_000), to: String(NOW - 60_000) })
  t.is((await of('--from', '30m')).stderr, '')
  t.is((await of()).stderr, '', 'all that ever was needs no receipts')
  t.is((await of('--from', '1m', '--to', '1h')).code, 2)
})

const LINE = {
  requestId: '11111111-2222-4333-8444-555555555555',
  attempt: 1,
  time: NOW,
  account: 'ada',
  function: 'hello',
  version: '$LATEST',
  caller: '12D3KooWcaller00',
  executor: '12D3KooWexecutor0',
  durationMs: 1.5,
  billedMs: 100,
  memoryMb: 128,
  cold: true,
  status: 'ok',
  charge: 138,
  selfAttested: false
}

test('a statement is passed on line by line, and adds up', async (t) => {
  const text = `${JSON.stringify(LINE)}\n${JSON.stringify({ ...LINE, attempt: 2 })}\n`
  const node = await startFakeNode(t, { 'GET /v1/ledger/statement': { body: text } })
  const json = await runCommand([
    'ledger',
    'statement',
    '--json',
    '--from',
    '1h',
    '--to',
    '2026-05-01T12:00:01Z',
    '--data',
    node.data
  ])
  t.is(json.stdout, text)
  t.deepEqual(node.received[0]?.query, { from: String(NOW - 3_600_000), to: String(NOW + 1_000) })
  const plain = await runCommand(['ledger', 'statement', '--data', node.data])
  t.is(plain.stdout.trimEnd().split('\n').length, 3)
  t.is(plain.stderr, '2 lines, 276 units\n')
})

test('a statement says from when on it has all receipts, where it was asked for older ones', async (t) => {
  const headers = { 'x-peerless-itemised-from': String(NOW - 3_600_000) }
  const node = await startFakeNode(t, { 'GET /v1/ledger/statement': { body: `${JSON.stringify(LINE)}\n`, headers } })
  const said = 'receipts are kept from 2026-05-01T11:00:00.000Z on; older ones are in the balances alone\n'
  const of = async (...flags: string[]) => (await runCommand(['ledger', 'statement', '--data', node.data, ...flags])).stderr
  t.is(await of(), `${said}1 lines, 138 units\n`)
  t.is(await of('--from', '2h', '--json'), said)
  t.is(await of('--from', '1h', '--json'), '')
})

test('verify of an account says what its lines come to, after all was checked', async (t) => {
  const good = { ok: true, lanes: 1, statements: 2, receipts: 3 }
  const statement = { body: `${JSON.stringify(LINE)}\n${JSON.stringify(LINE)}\n` }
  const node = await startFakeNode(t, { 'GET /v1/ledger/verify': { json: good }, 'GET /v1/ledger/statement': statement })
  const of = async (...flags: string[]) => (await runCommand(['ledger', 'verify', '--data', node.data, ...flags])).stdout
  t.is(await of('--account', 'ada'), 'valid: 1 lanes, 2 statements, 3 receipts\n2 lines as asked, 276 units\n')
  t.deepEqual(node.received[1]?.query, { account: 'ada' })
  const part = { from: NOW - 3_600_000, lines: 2, charge: '276' }
  t.deepEqual(JSON.parse(await of('--json', '--from', '1h')), { ...good, statement: part })
  const bad = { ...good, ok: false, failure: 'signature' }
  const broken = await startFakeNode(t, { 'GET /v1/ledger/verify': { json: bad } })
  t.is((await runCommand(['ledger', 'verify', '--account', 'ada', '--data', broken.data])).code, 1)
})

test('verify says what it counted, and exits 1 with the first failure', async (t) => {
  const good = { ok: true, lanes: 1, statements: 2, receipts: 3 }
  const bad = { ...good, ok: false, failure: 'lane a→b: statement 2: signature' }
  const node = await startFakeNode(t, { 'GET /v1/ledger/verify': { json: good } })
  t.is((await runCommand(['ledger', 'verify', '--data', node.data])).stdout, 'valid: 1 lanes, 2 statements, 3 receipts\n')
  const pruned = await startFakeNode(t, { 'GET /v1/ledger/verify': { json: { ...good, pruned: 1, itemisedFrom: NOW } } })
  t.true(
    (await runCommand(['ledger', 'verify', '--data', pruned.data])).stderr.startsWith('receipts are kept from 2026-05-01T12:00')
  )
  const broken = await startFakeNode(t, { 'GET /v1/ledger/verify': { json: bad } })
  const plain = await runCommand(['ledger', 'verify', '--data', broken.data])
  t.is(plain.code, 1)
  t.true(plain.stderr.includes(bad.failure))
  const json = await runCommand(['ledger', 'verify', '--json', '--data', broken.data])
  t.is(json.code, 1)
  t.deepEqual(JSON.parse(json.stdout), bad)
})

const NODE = {
  peerId: '12D3KooWone',
  instances: [
    { instance: 'i1', function: 'hello', version: '$LATEST', state: 'idle', calls: 40, errors: 1 },
    { instance: 'i2', function: 'hello', version: '$LATEST', state: 'busy', calls: 2, errors: 0 }
  ]
}

test('show without a name shows the node and its layers of isolation', async (t) => {
  const isolation = [
    { layer: 'executor', active: true, detail: 'no files' },
    { layer: 'operating system', active: false, detail: 'without prlimit' }
  ]
  const node = await startFakeNode(t, { 'GET /v1/node': { json: { ...NODE, isolation } } })
  for (const words of [['show'], ['show', '--node']]) {
    const { code, stdout } = await runCommand([...words, '--data', node.data])
    t.is(code, 0)
    t.regex(stdout, /executor +active: no files/)
    t.regex(stdout, /operating system +not active: without prlimit/)
  }
  t.deepEqual(JSON.parse((await runCommand(['show', '--json', '--data', node.data])).stdout).isolation, isolation)
})

test('top shows peers and the instances of each function, once where there is no terminal', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/peers': { json: PEERS }, 'GET /v1/node': { json: NODE } })
  const { code, stdout } = await runCommand(['top', '--data', node.data])
  t.is(code, 0)
  t.true(stdout.startsWith('1 of 2 nodes connected, 1 requests in flight, 6 slots'), stdout)
  t.regex(stdout, /^hello +\$LATEST +0 +1 +1 +42 +1 +0\.0 +0 +-$/m)
  t.false(stdout.includes('\u001b'))
  const json = JSON.parse((await runCommand(['top', '--json', '--data', node.data])).stdout)
  t.deepEqual(json, { time: NOW, peers: PEERS, node: NODE })
})

test('top on a terminal draws over itself until it is interrupted', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/peers': { json: PEERS }, 'GET /v1/node': { json: NODE } })
  const controller = new AbortController()
  const { code, stdout } = await runCommand(['top', '--data', node.data], {
    terminal: true,
    interrupt: controller.signal,
    onStdout: (text) => {
      if (text.includes('hello')) controller.abort()
    }
  })
  t.is(code, 0)
  t.true(stdout.includes('\u001b[H'))
})

test('top draws no more than the terminal has room for, and leaves it as it was', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/peers': { json: PEERS }, 'GET /v1/node': { json: NODE } })
  const controller = new AbortController()
  const { stdout } = await runCommand(['top', '--data', node.data], {
    terminal: true,
    rows: 4,
    interrupt: controller.signal,
    onStdout: (text) => {
      if (text.includes('nodes connected')) controller.abort()
    }
  })
  const [before = '', drawn = ''] = stdout.split('\u001b[H')
  t.true(before.startsWith('\u001b[?7l'), 'lines are cut where the terminal ends')
  t.true(drawn.endsWith('\u001b[?7h'), 'and go on in the next again')
  const lines = drawn.split('\n')
  t.is(lines.length, 4)
  t.regex(lines[0] ?? '', /nodes connected/)
})

test('top without the right to see the node shows the peers', async (t) => {
  const node = await startFakeNode(t, {
    'GET /v1/peers': { json: PEERS },
    'GET /v1/node': { status: 403, json: { code: 'FORBIDDEN', message: 'admin only' } }
  })
  const { code, stdout } = await runCommand(['top', '--json', '--data', node.data])
  t.is(code, 0)
  t.is(JSON.parse(stdout).node, null)
})
