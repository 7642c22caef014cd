import test from 'ava'
import { type FakeNode, startFakeNode } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const TWO = { peerId: '12D3KooWtwo', name: 'two' }
const EVIL = { peerId: '12D3KooWevil', name: 'evil\u001b[2J' }
const PLAN = {
  peerId: '12D3KooWone',
  name: 'one',
  mesh: '12D3KooWmesh',
  members: 3,
  connected: 2,
  letIn: 2,
  head: true,
  successor: TWO,
  candidates: [
    { ...TWO, connected: true },
    { ...EVIL, connected: false }
  ],
  events: 4,
  deadLetters: 2,
  owing: [EVIL]
}
const LEFT = {
  peerId: '12D3KooWone',
  successor: TWO,
  told: ['12D3KooWtwo', '12D3KooWevil'],
  untold: [] as string[],
  owing: [TWO]
}

const leave = (node: FakeNode, ...args: string[]) => runCommand(['leave', ...args, '--data', node.data])

test('leave without --yes asks the node for nothing but what would happen, and says that', async (t) => {
  const node = await startFakeNode(t, { 'GET /v1/node/leave': { json: PLAN } })
  const { code, stdout, stderr } = await leave(node)
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /one \(12D3KooWone\) takes no more work, .* 4 waiting events, 2 dead letters, .* \(2 of 3 are connected\)/)
  t.regex(stderr, /The 2 nodes that it let in stay\.\n/)
  t.regex(stderr, /two \(12D3KooWtwo\) will be able to remove any other node/)
  t.regex(stderr, /With --successor it can be evil\S* \(12D3KooWevil\) \(not connected\) instead/)
  t.notRegex(stderr, /It is not connected now/)
  t.regex(stderr, /evil\S* \(12D3KooWevil\) has not signed for calls that ran here: what that comes to is lost unless/)
  t.false(stderr.includes('\u001b'))
  t.regex(stderr, /error: nothing was done yet\n'peerless leave --yes' does it\.\n$/)
  const asJson = await leave(node, '--json')
  t.is(asJson.code, 1)
  t.deepEqual(JSON.parse(asJson.stdout), PLAN)
  t.deepEqual(new Set(node.received.map(({ method }) => method)), new Set(['GET']))
})

test('what would happen is said as it is: with nobody to inherit, above others, and as the last', async (t) => {
  let plan: object = { ...PLAN, successor: null, candidates: [] }
  const node = await startFakeNode(t, { 'GET /v1/node/leave': () => ({ json: plan }) })
  t.regex((await leave(node)).stderr, /Nobody will be able to remove those that the founder let in/)
  plan = { ...PLAN, successor: { peerId: EVIL.peerId, name: 'evil' } }
  t.regex((await leave(node)).stderr, /It is not connected now: if it is gone for good, nobody will have that right/)
  plan = { ...PLAN, head: false, successor: null, candidates: [], letIn: 0 }
  const { stderr } = await leave(node)
  t.regex(stderr, /It let nobody in\./)
  t.notRegex(stderr, /able to remove/)
  plan = { ...PLAN, head: false, successor: null, candidates: [] }
  t.regex((await leave(node)).stderr, /those above it can still remove them/)
  plan = { ...PLAN, members: 0, connected: 0, letIn: 0 }
  t.regex(
    (await leave(node)).stderr,
    /the only member of mesh 12D3KooWmesh: .* that is gone, .* and the 4 events that wait and 2 dead letters/
  )
})

test('leave --yes leaves with the successor that was named, or with none', async (t) => {
  const node = await startFakeNode(t, {
    'GET /v1/node/leave': { json: PLAN },
    'POST /v1/node/leave': { json: { ...LEFT, untold: ['12D3KooWthree'] } }
  })
  const { code, stderr } = await leave(node, '--yes')
  t.is(code, 0)
  t.regex(stderr, /^Left\. 2 other nodes know\. 1 more were connected and have not said so/)
  t.deepEqual(JSON.parse((await leave(node, '--yes', '--json', '--successor', 'two')).stdout), {
    ...LEFT,
    untold: ['12D3KooWthree']
  })
  await leave(node, '--yes', '--no-successor')
  const posts = node.received.filter(({ method }) => method === 'POST')
  t.true(posts.every(({ signed }) => signed))
  t.deepEqual(
    posts.map(({ body }) => JSON.parse(body.toString())),
    [{}, { successor: 'two' }, { successor: null }]
  )
  const asked = node.received.filter(({ method }) => method === 'GET').map(({ query }) => query.successor)
  t.deepEqual(asked, [undefined, 'two', ''])
})

test('a successor that is no name is wrong usage, and what the node refuses is said', async (t) => {
  const node = await startFakeNode(t, {
    'GET /v1/node/leave': { status: 403, json: { code: 'FORBIDDEN', message: 'x cannot succeed this node' } }
  })
  for (const wrong of ['', 'a b', 'x'.repeat(65)]) t.is((await leave(node, '--successor', wrong)).code, 2)
  t.is(node.received.length, 0)
  const refused = await leave(node, '--yes', '--successor', 'x')
  t.is(refused.code, 1)
  t.regex(refused.stderr, /x cannot succeed this node/)
  t.deepEqual(
    node.received.map(({ method }) => method),
    ['GET']
  )
})
