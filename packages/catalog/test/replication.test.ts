import { MESSAGE } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import { decode, decodeEnvelope } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import { hashOf } from '../src/entry.ts'
import { accessKey, functionRecord, nodeRecord, SECRET, signer, skewedClock, TestMesh, type TestNode } from './_kit.ts'

function agree(nodes: readonly TestNode[]): boolean {
  return new Set(nodes.map(({ catalog }) => catalog.digest())).size === 1
}

test('what one node writes is read at every other, without the clock moving', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b, c] = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  const changes: string[] = []
  c.catalog.onChange((kind, name) => changes.push(`${kind}/${name}`))
  await a.catalog.put('function', 'hello', functionRecord('hello'))
  await a.catalog.put('key', accessKey().accessKeyId, accessKey())
  await mesh.settle()
  for (const { catalog } of [b, c]) {
    t.deepEqual(catalog.get('function', 'hello'), functionRecord('hello'))
    t.deepEqual(catalog.get('key', accessKey().accessKeyId), accessKey())
  }
  t.true(agree([a, b, c]))
  t.deepEqual(changes, ['function/hello', 'key/PLKATESTTESTTESTTEST'])
})

test('a change passes on through a node in the middle', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b, c] = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  mesh.network.partition([a.signer.peerId], [c.signer.peerId])
  await mesh.settle()
  await a.catalog.put('function', 'hello', functionRecord('hello'))
  await mesh.settle()
  t.truthy(c.catalog.get('function', 'hello'))
  t.true(agree([a, b, c]))
})

test('both sides of a partition catch up when it heals; the later write and the removal win', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b, c] = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  await a.catalog.put('function', 'both', functionRecord('both'))
  await a.catalog.put('function', 'removed', functionRecord('removed'))
  await mesh.settle()
  mesh.network.partition([a.signer.peerId], [b.signer.peerId, c.signer.peerId])
  await a.catalog.put('function', 'left', functionRecord('left'))
  await a.catalog.put('function', 'both', functionRecord('both', { memoryMb: 256 }))
  await mesh.advance(10)
  await b.catalog.put('function', 'both', functionRecord('both', { memoryMb: 512 }))
  await c.catalog.put('function', 'right', functionRecord('right'))
  await c.catalog.remove('function', 'removed')
  await mesh.settle()
  t.false(agree([a, b]))
  t.true(agree([b, c]))
  mesh.network.heal()
  await mesh.settle()
  t.true(agree([a, b, c]))
  for (const { catalog } of [a, b, c]) {
    t.deepEqual(
      catalog.list('function').map((record) => record.name),
      ['both', 'left', 'right']
    )
    t.is(catalog.get('function', 'both')?.latest.memoryMb, 512)
  }
})

test('a node that was away catches up on return, gives what it wrote alone, and says when it has', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const away = await mesh.node(2)
  await mesh.settle()
  await away.catalog.put('function', 'old', functionRecord('old'))
  await mesh.settle()
  await away.stop()
  await a.catalog.remove('function', 'old')
  await a.catalog.put('function', 'new', functionRecord('new'))
  const back = await mesh.node(2, { directory: away.directory, start: false })
  await back.catalog.put('function', 'mine', functionRecord('mine'))
  t.truthy(back.catalog.get('function', 'old'))
  t.false(back.catalog.caughtUp())
  back.catalog.start()
  await mesh.settle()
  t.true(back.catalog.caughtUp())
  t.deepEqual(
    back.catalog.list('function').map((record) => record.name),
    ['mine', 'new']
  )
  t.true(agree([a, back]))
})

test('a node alone has nothing to catch up', async (t) => {
  t.true((await new TestMesh(t).node(1)).catalog.caughtUp())
})

test('a newcomer pulls a large catalog page by page', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const names = Array.from({ length: 700 }, (_, index) => `f-${index}`)
  await Promise.all(names.map((name) => a.catalog.put('function', name, functionRecord(name))))
  // 40 of these make more than one page of 1 MiB.
  const addresses = Array.from({ length: 32 }, (_, index) => `/dns4/${'x'.repeat(200)}/tcp/${index}`)
  await a.catalog.put('node', a.signer.peerId, nodeRecord(a.signer.peerId, { addresses }))
  const b = await mesh.node(2)
  await mesh.settle()
  await mesh.settle()
  t.is(b.catalog.list('function').length, 700)
  t.true(agree([a, b]))
})

test('two nodes with much that differs give each other all of it', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const b = await mesh.node(2)
  mesh.network.partition([a.signer.peerId], [b.signer.peerId])
  const put = (node: TestNode, prefix: string) =>
    Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        node.catalog.put('function', `${prefix}${index}`, functionRecord(`${prefix}${index}`))
      )
    )
  await Promise.all([put(a, 'a'), put(b, 'b')])
  mesh.network.heal()
  await mesh.settle()
  await mesh.settle()
  t.is(a.catalog.list('function').length, 800)
  t.true(agree([a, b]))
})

test('in a mesh of twenty, gossip that loses everything is made good by anti-entropy within its period', async (t) => {
  const mesh = new TestMesh(t)
  const nodes: TestNode[] = []
  for (let number = 1; number <= 20; number++) nodes.push(await mesh.node(number))
  await mesh.settle()
  mesh.network.faults.loss = 1
  await nodes[0]?.catalog.put('function', 'lost', functionRecord('lost'))
  await mesh.settle()
  const reached = nodes.filter(({ catalog }) => catalog.get('function', 'lost') !== undefined).length
  t.true(reached > 1 && reached < 20, `${reached} of 20 heard of it directly`)
  await mesh.advance(20_000)
  t.true(agree(nodes))
  t.is(nodes.filter(({ catalog }) => catalog.get('function', 'lost') !== undefined).length, 20)
})

test('in a mesh of twenty, gossip tells all at once, duplicates included', async (t) => {
  const mesh = new TestMesh(t)
  const nodes: TestNode[] = []
  for (let number = 1; number <= 20; number++) nodes.push(await mesh.node(number))
  await mesh.settle()
  mesh.network.faults.duplication = 1
  let changes = 0
  nodes[7]?.catalog.onChange(() => changes++)
  await nodes[0]?.catalog.put('function', 'told', functionRecord('told'))
  await mesh.settle()
  t.is(nodes.filter(({ catalog }) => catalog.get('function', 'told') !== undefined).length, 20)
  t.is(changes, 1)
})

test('random writes, removals, partitions and restarts end in agreement once all can talk', async (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const), node: fc.nat({ max: 2 }), name: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('remove' as const), node: fc.nat({ max: 2 }), name: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('cut' as const), node: fc.nat({ max: 2 }), name: fc.constant('') }),
    fc.record({ do: fc.constant('restart' as const), node: fc.nat({ max: 2 }), name: fc.constant('') }),
    fc.record({ do: fc.constant('wait' as const), node: fc.nat({ max: 20 }), name: fc.constant('') })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 15 }), async (steps) => {
      const mesh = new TestMesh(t)
      const random = new SeededRandom(5)
      const nodes = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
      for (const one of steps) {
        const node = nodes[one.node % 3] as TestNode
        const memoryMb = 128 + Math.floor(random.next() * 1_000)
        if (one.do === 'put') await node.catalog.put('function', one.name, functionRecord(one.name, { memoryMb }))
        if (one.do === 'remove') await node.catalog.remove('function', one.name)
        if (one.do === 'cut') {
          const others = nodes.filter((other) => other !== node).map((other) => other.signer.peerId)
          mesh.network.partition([node.signer.peerId], others)
        }
        if (one.do === 'restart') {
          await node.stop()
          nodes[one.node % 3] = await mesh.node((one.node % 3) + 1, { directory: node.directory })
        }
        if (one.do === 'wait') await mesh.advance(one.node * 100)
      }
      mesh.network.heal()
      await mesh.settle()
      await mesh.advance(15_000)
      const values = nodes.map(({ catalog }) => JSON.stringify(catalog.list('function')))
      t.true(agree(nodes))
      t.is(new Set(values).size, 1)
      for (const node of nodes) await node.stop()
    }),
    { seed: 2_026, numRuns: 25 }
  )
})

test('no secret travels in the clear, neither pushed nor pulled nor logged', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const listener = mesh.network.join(signer(50).peerId)
  const seen: Uint8Array[] = []
  for (const type of [10, 11, 12]) {
    listener.handle(type, (_, request) => {
      seen.push(request.payload)
      request.reply({ same: true })
    })
  }
  await mesh.settle()
  await a.catalog.put('key', accessKey().accessKeyId, accessKey())
  await mesh.settle()
  const buckets = Array.from({ length: 256 }, (_, bucket) => bucket)
  const page = await listener.call(a.signer.peerId, 11, { buckets })
  seen.push(page.payload)
  const holding = (text: string) => seen.filter((bytes) => Buffer.from(bytes).includes(text)).length
  t.is(holding(accessKey().accessKeyId), 2, 'the key came by push and by page')
  t.is(holding(SECRET), 0)
  t.false(JSON.stringify(a.logger.lines).includes(SECRET))
})

test('a node whose clock ran ahead is heard once the clock is right, and reads what it missed', async (t) => {
  const mesh = new TestMesh(t)
  const skew = { ms: 3 * 86_400_000 }
  const fast = await mesh.node(1, { clock: skewedClock(mesh.clock, skew) })
  const right = await mesh.node(2)
  await mesh.settle()
  await fast.catalog.put('function', 'early', functionRecord('early'))
  await mesh.settle()
  t.is(right.catalog.get('function', 'early'), undefined)
  t.true(
    right.logger.lines.some((line) => line.level === 'warn' && /ahead of this node's clock/.test(String(line.fields.reason)))
  )
  skew.ms = 0
  await mesh.advance(70_000)
  t.truthy(right.catalog.get('function', 'early'))
  t.true(agree([fast, right]))
  await fast.catalog.put('function', 'later', functionRecord('later'))
  await mesh.settle()
  t.truthy(right.catalog.get('function', 'later'))
})

test('what two wrong clocks agreed on does not hold up what is written under right ones', async (t) => {
  const mesh = new TestMesh(t)
  const skew = { ms: 3 * 86_400_000 }
  const author = await mesh.node(1, { clock: skewedClock(mesh.clock, skew) })
  const reader = await mesh.node(2, { clock: skewedClock(mesh.clock, skew) })
  await mesh.settle()
  await author.catalog.put('function', 'f', functionRecord('f'))
  await mesh.settle()
  t.truthy(reader.catalog.get('function', 'f'))
  skew.ms = 0
  await mesh.advance(65_000)
  await author.catalog.put('function', 'f', functionRecord('f', { memoryMb: 512 }))
  await mesh.settle()
  t.is(reader.catalog.get('function', 'f')?.latest.memoryMb, 512)
  t.true(agree([author, reader]))
})

test('a random peer is asked every few seconds, for as long as the node runs', async (t) => {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  const peer = mesh.network.join(signer(50).peerId)
  let asked = 0
  peer.handle(MESSAGE.CATALOG_DIGEST, (_, request) => {
    asked++
    request.reply({ same: true })
  })
  await mesh.settle()
  t.is(asked, 1)
  await mesh.advance(60_000)
  t.true(asked >= 12 && asked <= 21, `${asked} rounds in a minute`)
  await node.catalog.stop()
  const before = asked
  await mesh.advance(20_000)
  t.is(asked, before)
})

test('a page holds only what the asking side lacks, and names what it should give', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const peer = mesh.network.join(signer(50).peerId)
  await a.catalog.put('function', 'f', functionRecord('f'))
  await a.catalog.put('function', 'g', functionRecord('g'))
  const buckets = Array.from({ length: 256 }, (_, bucket) => bucket)
  const ask = async (...have: Uint8Array[]) => {
    const reply = await peer.call(a.signer.peerId, MESSAGE.CATALOG_BUCKETS, { buckets }, Buffer.concat(have))
    return decode(reply.payload, 'page') as [Uint8Array[], number[]]
  }
  const [both, none] = await ask()
  t.deepEqual([both.length, none], [2, []])
  const known = decodeEnvelope(both[0] as Uint8Array)
  const hash = Buffer.from(hashOf(known.signer, known.bytes), 'hex')
  const [rest, lacking] = await ask(new Uint8Array(32).fill(7), hash)
  t.deepEqual(rest, [both[1] as Uint8Array])
  t.deepEqual(lacking, [0])
})

test('a node whose clock is behind still overwrites what it reads', async (t) => {
  const mesh = new TestMesh(t)
  const slow = await mesh.node(1, { clock: skewedClock(mesh.clock, { ms: -200_000 }) })
  const right = await mesh.node(2)
  await mesh.settle()
  await right.catalog.put('function', 'f', functionRecord('f'))
  await mesh.settle()
  await slow.catalog.put('function', 'f', functionRecord('f', { memoryMb: 512 }))
  await mesh.settle()
  t.is(right.catalog.get('function', 'f')?.latest.memoryMb, 512)
})
