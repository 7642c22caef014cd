import { MESSAGE, type Reply } from '@peerless/interface'
import { encode } from '@peerless/wire'
import test from 'ava'
import { functionRecord, signer, TestMesh, type TestNode } from './_kit.ts'

/** Adds a tag to the function's record as whoever changes one thing of it does: reads, waits a moment, writes. */
function tag(node: TestNode, name: string): Promise<void> {
  return node.catalog.inTurn('function', 'hello', async () => {
    const record = node.catalog.get('function', 'hello') ?? functionRecord('hello')
    await Promise.resolve()
    await node.catalog.put('function', 'hello', { ...record, tags: { ...record.tags, [name]: '1' } })
  })
}

function tagsAt(node: TestNode): string[] {
  return Object.keys(node.catalog.get('function', 'hello')?.tags ?? {}).sort()
}

/** Until all are settled; what waits for a timer of the catalog gets its time. */
async function ended<Result>(mesh: TestMesh, tasks: Promise<Result>[]): Promise<PromiseSettledResult<Result>[]> {
  let over = false
  const all = Promise.allSettled(tasks).finally(() => {
    over = true
  })
  for (let step = 0; step < 100 && !over; step++) await mesh.advance(250)
  return await all
}

test('changes of one entry that all nodes make at once are all there', async (t) => {
  const mesh = new TestMesh(t)
  const nodes = [await mesh.node(1), await mesh.node(2), await mesh.node(3), await mesh.node(4)]
  await mesh.settle()
  const names = Array.from({ length: 24 }, (_, index) => `t${String(index).padStart(2, '0')}`)
  const results = await ended(
    mesh,
    names.map((name, index) => tag(nodes[index % nodes.length] as TestNode, name))
  )
  t.true(results.every(({ status }) => status === 'fulfilled'))
  await mesh.advance(10_000)
  for (const node of nodes) t.deepEqual(tagsAt(node), names)
})

test('in its turn a node sees what was written before, though no news of it came', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  // Whoever keeps the turns, one of the two asks the other.
  for (const [node, name] of [
    [a, 'one'],
    [b, 'two'],
    [a, 'three'],
    [a, 'four'],
    [b, 'five']
  ] as const)
    await ended(mesh, [tag(node, name)])
  const record = functionRecord('hello')
  await ended(mesh, [
    a.catalog.inTurn('function', 'hello', async () => {
      await a.catalog.put('version', 'hello:1', {
        functionName: 'hello',
        account: 'acme',
        version: { ...record.latest, version: '1' }
      })
      await a.catalog.put('function', 'hello', { ...record, lastVersion: 1 })
    })
  ])
  await ended(mesh, [
    b.catalog.inTurn('function', 'hello', async () => {
      t.is(b.catalog.get('function', 'hello')?.lastVersion, 1)
      t.is(b.catalog.get('version', 'hello:1')?.version.version, '1')
    })
  ])
})

test('a task that fails ends its turn, and its error is its own', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  for (const node of [a, b]) {
    const failing = node.catalog.inTurn('function', 'hello', () => Promise.reject(new Error('mine')))
    await t.throwsAsync(failing, { message: 'mine' })
  }
  await tag(a, 'after')
  await tag(b, 'too')
  t.deepEqual(tagsAt(b), ['after', 'too'])
})

test('a node that holds its turn for ever delays the others by five seconds, one that dies not at all', async (t) => {
  const mesh = new TestMesh(t)
  const nodes = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  const home = [...nodes].sort((a, b) => (a.signer.peerId < b.signer.peerId ? -1 : 1))[0] as TestNode
  const [stuck, other] = nodes.filter((node) => node !== home) as [TestNode, TestNode]
  for (const how of ['stands still', 'dies']) {
    const began = Promise.withResolvers<void>()
    void stuck.catalog.inTurn('function', 'hello', () => {
      began.resolve()
      return new Promise(() => undefined)
    })
    await began.promise
    if (how === 'dies') await stuck.stop()
    const before = mesh.clock.monotonic()
    await ended(mesh, [tag(other, how)])
    t.is(mesh.clock.monotonic() - before, how === 'dies' ? 250 : 5_000, 'in steps of 250 ms')
  }
  t.deepEqual(tagsAt(home), ['dies', 'stands still'])
})

test('where the keeper of the turns does not answer or goes away, changes are made all the same', async (t) => {
  const mesh = new TestMesh(t)
  const nodes = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  const home = [...nodes].sort((a, b) => (a.signer.peerId < b.signer.peerId ? -1 : 1))[0] as TestNode
  const others = nodes.filter((node) => node !== home) as [TestNode, TestNode]
  mesh.network.freeze(home.signer.peerId, () => 0)
  await ended(mesh, [tag(others[0], 'without')])
  t.deepEqual(tagsAt(others[0]), ['without'])
  t.true(others[0].logger.lines.some(({ level, message }) => level === 'warn' && message.includes('without its turn')))
  const waiting = others.map((node, index) => tag(node, `moved${index}`))
  await home.stop()
  await ended(mesh, waiting)
  await mesh.advance(10_000)
  for (const node of others) t.deepEqual(tagsAt(node), ['moved0', 'moved1', 'without'])
})

test('from a keeper of turns that answers nothing the next change waits for a second only, until it answers', async (t) => {
  const mesh = new TestMesh(t)
  const nodes = [await mesh.node(1), await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  const home = [...nodes].sort((a, b) => (a.signer.peerId < b.signer.peerId ? -1 : 1))[0] as TestNode
  const other = nodes.find((node) => node !== home) as TestNode
  const timed = async (name: string) => {
    const before = mesh.clock.monotonic()
    await ended(mesh, [tag(other, name)])
    return mesh.clock.monotonic() - before
  }
  const without = () => other.logger.lines.filter(({ message }) => message.includes('without its turn')).length
  mesh.network.freeze(home.signer.peerId, () => 0)
  t.is(await timed('first'), 10_000)
  await mesh.advance(2_000)
  t.is(await timed('second'), 1_000)
  t.is(without(), 2)
  mesh.network.thaw(home.signer.peerId)
  await mesh.advance(10_000)
  await timed('third')
  mesh.network.freeze(home.signer.peerId, () => 0)
  t.is(await timed('fourth'), 10_000)
  t.is(without(), 3)
})

test('nonsense about turns is refused, and holds nobody up', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  const stranger = mesh.network.join(signer(9).peerId)
  await mesh.settle()
  const ask = (to: TestNode, type: number, header: unknown, payload = encode([])): Promise<Reply> =>
    stranger.call(to.signer.peerId, type, header, payload)
  for (const header of [
    undefined,
    7,
    [],
    ['function'],
    ['nonsense', 'hello', []],
    ['function', '', []],
    ['function', 'x'.repeat(129), []],
    ['function', 'hello', ['zz']],
    ['function', 'hello', Array(3).fill('0'.repeat(64))]
  ])
    for (const type of [MESSAGE.CATALOG_TURN, MESSAGE.CATALOG_TURN_NEWS])
      await t.throwsAsync(ask(a, type, header), { code: 'MALFORMED' })
  for (const header of [null, ['function', 'hello'], ['function', 'hello', 0], ['function', 'hello', 'x']])
    await t.throwsAsync(ask(a, MESSAGE.CATALOG_TURN_END, header), { code: 'MALFORMED' })
  await t.throwsAsync(ask(a, MESSAGE.CATALOG_TURN_END, ['function', 'hello', 1], Buffer.from('no entries')), {
    code: 'MALFORMED'
  })
  // Entries that do not hold are left out, as everywhere.
  await ask(a, MESSAGE.CATALOG_TURN_END, ['function', 'hello', 1], encode([Buffer.from('no envelope')]))
  mesh.network.leave(stranger.peerId)
  await ended(mesh, [tag(a, 'one'), tag(b, 'two')])
  await mesh.settle()
  t.deepEqual(tagsAt(a), ['one', 'two'])
})
