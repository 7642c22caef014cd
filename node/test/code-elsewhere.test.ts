import { MESSAGE } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import { decode, encode } from '@peerless/wire'
import test from 'ava'
import { CodeElsewhere, type CodeElsewhereOptions } from '../src/code-elsewhere.ts'

const clock = new VirtualClock()
const layers = (cids: readonly string[]) => cids.map((cid) => ({ name: `layer ${cid}`, zipCid: cid, zipBytes: 1 }))

/** A node that has these blocks, which are all that the catalog names. */
function nodeOf(
  network: MemoryNetwork,
  name: string,
  blocks: Set<string>,
  named: readonly string[] = [],
  mates: readonly string[] = []
) {
  const compared: string[] = []
  const closed: boolean[] = []
  const catalog = {
    list: (kind: string) => (kind === 'layerVersion' ? layers(named) : []),
    compareWith: async (peerId: string) => {
      compared.push(peerId)
      if (peerId === 'deaf') throw new Error('no answer')
    },
    setClosed: (on: boolean) => void closed.push(on)
  } as unknown as CodeElsewhereOptions['catalog']
  const mesh = network.join(name)
  const code = new CodeElsewhere({
    mesh,
    catalog,
    store: { has: (cid) => blocks.has(cid) },
    clock,
    logger: new MemoryLogger(),
    isMate: (peerId) => mates.includes(peerId)
  })
  code.listen()
  return { code, mesh, compared, closed }
}

test('code is elsewhere when each block is at some peer, and what comes in time is waited for', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const here = nodeOf(network, 'here', new Set(['a', 'b', 'c']), ['a', 'b', 'c', 'not here'])
  const slow = new Set(['b'])
  nodeOf(network, 'one', new Set(['a']))
  nodeOf(network, 'two', slow)
  const waiting = here.code.wait(10_000)
  await clock.advance(1_000)
  slow.add('c')
  await clock.advance(1_000)
  t.deepEqual(await waiting, [])
  t.deepEqual(here.compared, ['one', 'two'])
})

test('a front of the same machine goes with it: what it has is not elsewhere, and its catalog is not either', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const here = nodeOf(network, 'here', new Set(['a', 'b']), ['a', 'b'], ['mate'])
  nodeOf(network, 'mate', new Set(['a', 'b']))
  await t.throwsAsync(here.code.wait(1_000), { code: 'UNAVAILABLE', message: /no other node took the catalog/ })
  nodeOf(network, 'other', new Set(['b']))
  const waiting = here.code.wait(1_000)
  await clock.advance(2_000)
  t.deepEqual(
    (await waiting).map(({ cid }) => cid),
    ['a']
  )
  t.deepEqual(here.compared, ['other'])
})

test('what nobody has in time is named, and a node whose catalog nobody takes hears so', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const many = Array.from({ length: 2_500 }, (_, index) => `cid-${index}`)
  const here = nodeOf(network, 'here', new Set(many), many)
  nodeOf(network, 'one', new Set(many.filter((cid) => cid !== 'cid-2400')))
  const waiting = here.code.wait(1_000)
  await clock.advance(2_000)
  t.deepEqual(
    (await waiting).map(({ cid }) => cid),
    ['cid-2400']
  )
  const other = new MemoryNetwork(new SeededRandom(1))
  const alone = nodeOf(other, 'here', new Set())
  nodeOf(other, 'deaf', new Set())
  await t.throwsAsync(alone.code.wait(1_000), { code: 'UNAVAILABLE', message: /no other node took the catalog/ })
})

test('questions for blocks that are none are refused, and answers that are none count as no', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  nodeOf(network, 'here', new Set(['a']))
  const asker = network.join('asker')
  const ask = (payload: Uint8Array) => asker.call('here', MESSAGE.BLOCKS_LACKED, undefined, payload)
  t.deepEqual(decode((await ask(encode(['a', 'b']))).payload, 'answer'), [1])
  for (const wrong of [encode('a'), encode([1]), encode(Array.from({ length: 1_001 }, () => 'a')), Buffer.from([0xff])])
    await t.throwsAsync(ask(wrong), { code: 'MALFORMED' })
  const third = new MemoryNetwork(new SeededRandom(2))
  const asking = nodeOf(third, 'here', new Set(['a']), ['a'])
  third.join('liar').handle(MESSAGE.BLOCKS_LACKED, (_peerId, request) => request.reply(undefined, encode('none')))
  const waiting = asking.code.wait(500)
  await clock.advance(1_000)
  t.is((await waiting).length, 1)
})

test('two that go at the same time do not count on each other', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const both = ['one', 'two'].map((name) => nodeOf(network, name, new Set(['a']), ['a']))
  for (const { code } of both) code.setGoing(true)
  const waiting = both.map(({ code }) => code.wait(500))
  await clock.advance(1_000)
  for (const one of waiting) t.is((await one).length, 1)
  both[1]?.code.setGoing(false)
  const again = both[0]?.code.wait(500)
  await clock.advance(1_000)
  t.deepEqual(await again, [])
  t.deepEqual(both[1]?.closed, [true, false])
})
