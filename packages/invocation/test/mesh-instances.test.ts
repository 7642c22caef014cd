import { MESSAGE } from '@peerless/interface'
import { encode } from '@peerless/wire'
import test from 'ava'
import { cluster, settle } from './_cluster.ts'

test('instances of all nodes are read at any, each under the name of the node that has it', async (t) => {
  const { nodes, order, stop } = await cluster([2, 2, 2])
  t.teardown(stop)
  const [n0, n1] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  for (const node of [n0, n1]) node.instances.start({ ...invocationOf(order()) }, () => undefined)
  const { instances, missing } = await n0.service.allInstances()
  t.deepEqual(
    instances.map(({ node, function: name }) => [node, name]),
    [
      ['n0', 'hello'],
      ['n1', 'hello']
    ]
  )
  t.deepEqual(missing, [])
})

const WHOLE = { instance: 'i', function: 'f', version: '1', revisionId: 'r', state: 'idle', executor: 1, calls: 1, errors: 0 }
for (const [title, answer] of [
  ['no list', { instances: [] }],
  ['one without a time', [WHOLE]],
  ['a count that is none', [{ ...WHOLE, lastUsedAt: 1, calls: -1 }]],
  ['a stage that is none', [{ ...WHOLE, lastUsedAt: 1, startStagesMs: { bundle: 'long' } }]],
  ['more than any node has', Array.from({ length: 1_025 }, () => ({ ...WHOLE, lastUsedAt: 1 }))]
] as const) {
  test(`a peer that answers with ${title} is missing`, async (t) => {
    const { nodes, stop } = await cluster([2, 2])
    t.teardown(stop)
    const [n0, n1] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    n1.mesh.handle(MESSAGE.INSTANCES_READ, (_peer, request) => request.reply(undefined, encode(answer)))
    t.deepEqual(await n0.service.allInstances(), { instances: [], missing: ['n1'] })
  })
}

test('what a peer says beyond an instance is left out, and which node it is from is not its to say', async (t) => {
  const { nodes, stop } = await cluster([2, 2])
  t.teardown(stop)
  const [n0, n1] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  n1.mesh.handle(MESSAGE.INSTANCES_READ, (_peer, request) =>
    request.reply(undefined, encode([{ ...WHOLE, lastUsedAt: 1, node: 'n0', more: 'x' }]))
  )
  t.deepEqual((await n0.service.allInstances()).instances, [{ ...WHOLE, lastUsedAt: 1, node: 'n1' }] as never)
})

test('who does not answer is missing after two seconds', async (t) => {
  const { nodes, clock, stop } = await cluster([2, 2])
  t.teardown(stop)
  const [n0, n1] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  n1.mesh.handle(MESSAGE.INSTANCES_READ, () => undefined)
  const asked = n0.service.allInstances()
  await settle()
  await clock.advance(2_000)
  t.deepEqual(await asked, { instances: [], missing: ['n1'] })
})

function invocationOf(order: ReturnType<Awaited<ReturnType<typeof cluster>>['order']>) {
  const { record, version } = order.target
  return {
    requestId: order.requestId,
    attempt: 1,
    kind: order.kind,
    functionName: record.name,
    account: record.account,
    version,
    payload: order.payload,
    deadline: 0,
    caller: 'n0',
    logTail: false,
    clientContext: undefined,
    invokedArn: ''
  }
}
