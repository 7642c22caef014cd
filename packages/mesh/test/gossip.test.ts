import { randomBytes } from 'node:crypto'
import { type GossipSub, gossipsub, type Message, type TopicValidatorFn, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { TOPIC } from '@peerless/interface'
import { MemoryLogger } from '@peerless/testing'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import { Gossip, makeGossip } from '../src/gossip.ts'
import { connected, type Node, openNode, startMesh, startNode } from './_nodes.ts'

/** Publishes until it was received: gossip promises no delivery, and subscriptions take a moment to spread. */
function publishUntil(node: Node, topic: 'ledger' | 'catalog', bytes: Uint8Array, received: Promise<unknown>): Promise<unknown> {
  const again = setInterval(() => node.mesh.publish(topic, bytes), 50)
  node.mesh.publish(topic, bytes)
  return received.finally(() => clearInterval(again))
}

test('gossip reaches every subscriber with its publisher’s peer id, and not the publisher itself', async (t) => {
  const nodes = (await startMesh(t, 3)) as [Node, Node, Node]
  const [publisher, ...others] = nodes
  publisher.mesh.subscribe(TOPIC.LEDGER, () => t.fail('own message came back'))
  const received = others.map(
    ({ mesh }) =>
      new Promise<[string, string]>((resolve) =>
        mesh.subscribe(TOPIC.LEDGER, (from, bytes) => resolve([from, Buffer.from(bytes).toString()]))
      )
  )
  await publishUntil(publisher, TOPIC.LEDGER, Buffer.from('load'), Promise.all(received))
  for (const message of await Promise.all(received)) t.deepEqual(message, [publisher.mesh.peerId, 'load'])
})

test('the largest message passes and one byte more is refused to the publisher', async (t) => {
  const [a, b] = (await startMesh(t, 2)) as [Node, Node]
  const largest = randomBytes(65_536)
  const received = new Promise<Uint8Array>((resolve) => b.mesh.subscribe(TOPIC.CATALOG, (_from, bytes) => resolve(bytes)))
  await publishUntil(a, TOPIC.CATALOG, largest, received)
  t.true(largest.equals(await received))
  t.throws(() => a.mesh.publish(TOPIC.CATALOG, Buffer.alloc(65_537)), { code: 'TOO_LARGE' })
})

test('of what a peer subscribes to only the topics of the mesh are remembered', async (t) => {
  const nodeWith = async (gossip: ReturnType<typeof makeGossip>) => {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), gossip }
    })
    t.teardown(() => node.stop())
    return node
  }
  const [node, peer] = await Promise.all([nodeWith(makeGossip('mesh')), nodeWith(gossipsub())])
  const own = '/peerless/mesh/catalog'
  const names = [...Array.from({ length: 100 }, (_, index) => `other-${index}`), own]
  const { gossip } = node.services
  const told = new Promise<void>((resolve) => {
    gossip.addEventListener('subscription-change', ({ detail }) => {
      if (detail.subscriptions.some(({ topic }) => topic === own)) resolve()
    })
  })
  for (const name of names) peer.services.gossip.subscribe(name)
  await peer.dial(node.getMultiaddrs())
  await told
  t.deepEqual(
    names.filter((name) => gossip.getSubscribers(name).length > 0),
    [own]
  )
})

test('a receiver that throws is logged and keeps receiving; a topic has one receiver', async (t) => {
  const [a, b] = (await startMesh(t, 2)) as [Node, Node]
  let count = 0
  const twice = new Promise<void>((resolve) => {
    b.mesh.subscribe(TOPIC.LEDGER, () => {
      if (++count === 2) resolve()
      throw new Error('garbage')
    })
  })
  await publishUntil(a, TOPIC.LEDGER, randomBytes(20), twice)
  t.true(b.logger.lines.some(({ level, fields }) => level === 'warn' && fields.from === a.mesh.peerId))
  t.throws(() => b.mesh.subscribe(TOPIC.LEDGER, () => undefined), { code: 'CONFLICT' })
})

test('a message is passed on only when a member signed it and its size is within the bound', async (t) => {
  const validators = new Map<string, TopicValidatorFn>()
  const gossip = new Gossip({ meshId: 'm', isMember: (peerId) => peerId === 'member', logger: new MemoryLogger() })
  gossip.subscribe(TOPIC.LEDGER, () => undefined)
  const service = { topicValidators: validators, subscribe: () => undefined, addEventListener: () => undefined }
  gossip.start(service as unknown as GossipSub)
  const judge = (message: object) => validators.get('/peerless/m/ledger')?.('relay' as unknown as PeerId, message as Message)
  const data = randomBytes(10)
  t.is(judge({ type: 'signed', from: 'member', data }), TopicValidatorResult.Accept)
  t.is(judge({ type: 'signed', from: 'stranger', data }), TopicValidatorResult.Ignore)
  t.is(judge({ type: 'unsigned', from: 'member', data }), TopicValidatorResult.Reject)
  t.is(judge({ type: 'signed', from: 'member', data: randomBytes(65_537) }), TopicValidatorResult.Reject)
})

test('publishing before the start or to nobody is no error', async (t) => {
  const node = await openNode(t, 'alone')
  t.notThrows(() => node.mesh.publish(TOPIC.LEDGER, randomBytes(10)))
  await node.mesh.start()
  t.notThrows(() => node.mesh.publish(TOPIC.LEDGER, randomBytes(10)))
})

test('in a mesh of twelve nodes on one machine everyone hears the last one that came', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 11 })
  const nodes = [founder]
  for (let index = 1; index < 12; index++) nodes.push(await startNode(t, `n${index}`, { join: token }))
  await Promise.all(nodes.flatMap(({ mesh }) => nodes.filter((o) => o.mesh !== mesh).map((o) => connected(mesh, o.mesh.peerId))))
  const last = nodes.at(-1) as Node
  const received = nodes
    .slice(0, -1)
    .map(
      ({ mesh }) => new Promise<void>((resolve) => mesh.subscribe(TOPIC.LEDGER, (from) => from === last.mesh.peerId && resolve()))
    )
  await publishUntil(last, TOPIC.LEDGER, Buffer.from('x'), Promise.all(received))
  t.pass()
})
