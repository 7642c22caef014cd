import { type FunctionRecord, MESSAGE } from '@peerless/interface'
import test from 'ava'
import { DEMAND_STALE_MS, LATENCY_VERSIONS_MAX } from '../src/constants.ts'
import { demandFromWire } from '../src/latency-message.ts'
import { cluster, type Node, RECORD, settle } from './_cluster.ts'

const TARGET: FunctionRecord = { ...RECORD, latencyTargetMs: 100 }
const here = () => 0

async function seconds(clock: { advance(ms: number): Promise<void> }, count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    await clock.advance(1_000)
    await settle()
  }
}

function ownerOf(nodes: Node[]): Node {
  const [status] = (nodes[0] as Node).service.latency.status(here)
  return nodes.find(({ id }) => id === status?.owner) as Node
}

test('one node decides, and every node says the same', async (t) => {
  const { nodes, clock, stop } = await cluster([4, 4, 4], () => TARGET)
  t.teardown(stop)
  await seconds(clock, 2)
  const said = nodes.map((node) => node.service.latency.status(here))
  t.like(said[0]?.[0], { function: 'hello', version: '$LATEST', targetMs: 100, state: 'learning', warm: 1, calls: 0 })
  for (const one of said) t.deepEqual(one, said[0])
  t.deepEqual(nodes[2]?.service.latency.wanted(), [{ functionName: 'hello', version: '$LATEST', count: 1 }])
})

test('calls at any node are counted where it is decided, and late ones by their reason', async (t) => {
  const { nodes, clock, target, order, stop } = await cluster([8, 8, 8], () => TARGET)
  t.teardown(stop)
  await seconds(clock, 2)
  const asked = { target: { ...target, record: TARGET } }
  for (const node of nodes) {
    const answers: Promise<unknown>[] = []
    for (let call = 0; call < 10; call++) {
      answers.push(node.service.invoke(order(asked)))
      await settle()
      await clock.advance(150)
      const runs = nodes.find(({ instances }) => instances.busy > 0) as Node
      runs.instances.finish({}, call === 0 ? 120 : 20)
      await settle()
    }
    await Promise.all(answers)
  }
  // Those who do not decide hear of new numbers with the next change, or after five seconds.
  await seconds(clock, 6)
  for (const node of nodes) {
    const [status] = node.service.latency.status(here)
    t.like(status, { state: 'missed', reason: 'wait', calls: 30, lateShare: 1 })
    t.true((status?.p99Ms as number) >= 150 && (status?.p99Ms as number) < 165)
  }
})

test('when the node that decided goes, another does, from what was heard last', async (t) => {
  const { nodes, network, clock, stop } = await cluster([4, 4, 4], () => TARGET)
  t.teardown(stop)
  await seconds(clock, 2)
  const owner = ownerOf(nodes)
  const others = nodes.filter((node) => node !== owner)
  network.leave(owner.id)
  await seconds(clock, 3)
  const next = others.map((node) => node.service.latency.status(here)[0]?.owner)
  t.is(next[0], next[1])
  t.not(next[0], owner.id)
})

test('only the node that decides is believed', async (t) => {
  const { nodes, clock, stop } = await cluster([4, 4, 4], () => TARGET)
  t.teardown(stop)
  await seconds(clock, 2)
  const owner = ownerOf(nodes)
  const [liar, hears] = nodes.filter((node) => node !== owner) as [Node, Node]
  const lie = ['wanted', [['hello', '$LATEST', 100, 1_000, 1, 0, 5, 10, 0]]]
  liar.mesh.request(hears.id, MESSAGE.DEMAND, lie, new Uint8Array(0), () => undefined)
  await settle()
  t.is(hears.service.latency.wanted()[0]?.count, 1)
  owner.mesh.request(hears.id, MESSAGE.DEMAND, lie, new Uint8Array(0), () => undefined)
  await settle()
  t.is(hears.service.latency.wanted()[0]?.count, 1_000)
})

test('versions that nobody speaks of any more make room for others', async (t) => {
  const { nodes, clock, stop } = await cluster([4, 4, 4], () => TARGET)
  t.teardown(stop)
  await seconds(clock, 2)
  const owner = ownerOf(nodes)
  const hears = nodes.find((node) => node !== owner) as Node
  const tell = async (versions: string[]) => {
    const wanted = versions.map((version) => ['hello', version, 100, 3, 1, 0, 5, 10, 0])
    owner.mesh.request(hears.id, MESSAGE.DEMAND, ['wanted', wanted], new Uint8Array(0), () => undefined)
    await settle()
  }
  await tell(Array.from({ length: LATENCY_VERSIONS_MAX }, (_, index) => String(index + 1)))
  t.is(hears.service.latency.wanted().length, LATENCY_VERSIONS_MAX, 'and no more')
  await seconds(clock, DEMAND_STALE_MS / 1_000 + 1)
  await tell(['5000'])
  t.true(hears.service.latency.wanted().some(({ version }) => version === '5000'))
})

test('without a target nothing is said or kept', async (t) => {
  const { nodes, clock, order, stop } = await cluster([4, 4])
  t.teardown(stop)
  const [n0] = nodes as [Node]
  const answer = n0.service.invoke(order())
  await settle()
  nodes.find(({ instances }) => instances.busy > 0)?.instances.finish()
  await answer
  await seconds(clock, 3)
  t.deepEqual(n0.service.latency.status(here), [])
  t.deepEqual(n0.service.latency.wanted(), [])
})

const SAMPLE = ['hello', '$LATEST', 1, 0, 0, 5, [0, 0, 0, 0], null, [40, 1], [40, 1]]
const WANTED = ['hello', '3', 100, 2, 1, 0, 5, 10, 0]
const put = (list: unknown[], index: number, value: unknown) => list.with(index, value)
test('what is whole is taken', (t) => {
  t.is(demandFromWire(['seen', [SAMPLE]]).kind, 'seen')
  t.is(demandFromWire(['wanted', [WANTED]]).kind, 'wanted')
})
for (const [title, message] of [
  ['nothing', undefined],
  ['another kind', ['told', []]],
  ['a list that is none', ['seen', 'x']],
  ['too many', ['seen', Array.from({ length: 1_001 }, () => SAMPLE)]],
  ['an entry that is too short', ['seen', [SAMPLE.slice(1)]]],
  ['a name that is none', ['seen', [put(SAMPLE, 0, '../x')]]],
  ['a version that is none', ['wanted', [put(WANTED, 1, 'live')]]],
  ['negative calls', ['seen', [put(SAMPLE, 2, -1)]]],
  ['a sum that is no number', ['seen', [put(SAMPLE, 5, Number.NaN)]]],
  ['three reasons', ['seen', [put(SAMPLE, 6, [0, 0, 0])]]],
  ['a start of an hour', ['seen', [put(SAMPLE, 7, 3_600_000)]]],
  ['a bucket that there is not', ['seen', [put(SAMPLE, 8, [186, 1])]]],
  ['half a bucket', ['seen', [put(SAMPLE, 9, [1.5, 1])]]],
  ['a bucket without a count', ['seen', [put(SAMPLE, 8, [1])]]],
  ['half an instance', ['wanted', [put(WANTED, 3, 0.5)]]],
  ['instances without end', ['wanted', [put(WANTED, 3, 1e9)]]],
  ['a state that is none', ['wanted', [put(WANTED, 4, 3)]]],
  ['a reason that is none', ['wanted', [put(WANTED, 5, -1)]]],
  ['a share above one', ['wanted', [put(WANTED, 8, 1.1)]]]
] as const) {
  test(`a message about demand is refused that has ${title}`, (t) => {
    t.throws(() => demandFromWire(message), { code: 'MALFORMED' })
  })
}
