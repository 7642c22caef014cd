import { MESSAGE } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { encodeMeta, encodeResult, eventOf } from '../src/event.ts'
import { encodeKeep } from '../src/messages.ts'
import { accept, answer, during, orderOf, TestMesh, type TestNode } from './_nodes.ts'

const id = (last: number) => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`

/** Events end at once: those whose number is even go well, the others are dead letters. */
function meshOf(t: ExecutionContext, replicas: number): TestMesh {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.options = { replicas }
  mesh.policy = { retries: 0 }
  mesh.autoRun = ({ order }) => answer(Number(order.requestId.at(-1)) % 2 === 0 ? 'ok' : 'error', `"of ${order.requestId}"`)
  return mesh
}

/** Lets a node go for good; resolves with what only it had. */
async function leaves(mesh: TestMesh, { name, queue }: TestNode): Promise<{ events: number; ends: number }> {
  const left = await during(mesh, queue.handOver())
  mesh.crash(name)
  await mesh.clock.advance(100)
  return left
}

async function isWhole(t: ExecutionContext, mesh: TestMesh, asked: TestNode, ids: readonly number[]): Promise<void> {
  const letters = await during(mesh, asked.queue.deadLetters({}, 10_000))
  t.deepEqual(letters.map(({ result }) => result.requestId).toSorted(), ids.filter((each) => each % 2 === 1).map(id))
  for (const each of ids) {
    const result = await during(mesh, asked.queue.result(id(each)))
    t.like(result, { status: each % 2 === 0 ? 'succeeded' : 'failed', attempts: 1, account: 'default' })
    t.is(Buffer.from(result?.payload ?? []).toString(), `"of ${id(each)}"`)
  }
}

test('results and dead letters that only a node has which goes for good are at another then, and can be sent again', async (t) => {
  const mesh = meshOf(t, 0)
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  for (const each of [1, 2, 3]) await accept(mesh, a, orderOf(id(each), { payload: `{"n":${each}}` }))
  await mesh.clock.advance(1_000)
  t.deepEqual([a.queue.stats().deadLetters, b.queue.stats().deadLetters], [2, 0])
  t.deepEqual(await leaves(mesh, a), { events: 0, ends: 0 })
  await isWhole(t, mesh, b, [1, 2, 3])
  t.is(b.queue.stats().deadLetters, 2)
  const letter = await during(mesh, b.queue.deadLetter(id(1)))
  t.is(Buffer.from(letter?.event ?? []).toString(), '{"n":1}')
  t.deepEqual(
    (await during(mesh, b.queue.redrive({ requestId: id(1) }))).map(([from]) => from),
    [id(1)]
  )
})

test('what has a copy at a peer is not sent, and what lost it because that one went before is', async (t) => {
  const mesh = meshOf(t, 1)
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  for (const each of [1, 2]) await accept(mesh, a, orderOf(id(each)))
  await mesh.clock.advance(2_000)
  const c = await mesh.up('c')
  await leaves(mesh, a)
  t.is(c.queue.stats().deadLetters, 0, 'b has it')
  await leaves(mesh, b)
  await isWhole(t, mesh, c, [1, 2])
})

test('more of them than one message holds go in several', async (t) => {
  const mesh = meshOf(t, 0)
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  const ids = Array.from({ length: 1_101 }, (_, index) => index)
  await Promise.all(ids.map((each) => accept(mesh, a, orderOf(id(each)))))
  await mesh.clock.advance(60_000)
  t.is(a.queue.stats().deadLetters, 550)
  t.deepEqual(await leaves(mesh, a), { events: 0, ends: 0 })
  t.is(b.queue.stats().deadLetters, 550)
  for (const each of [0, 1, 1_099, 1_100]) t.truthy(await during(mesh, b.queue.result(id(each))))
})

test('a node that goes counts on no other that goes, and says what nobody takes', async (t) => {
  const mesh = meshOf(t, 1)
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  for (const each of [1, 2]) await accept(mesh, a, orderOf(id(each)))
  await mesh.clock.advance(2_000)
  t.deepEqual(await during(mesh, b.queue.handOver()), { events: 0, ends: 0 }, 'a has them')
  t.deepEqual(await during(mesh, a.queue.handOver()), { events: 0, ends: 1 })
  b.queue.resume()
  t.deepEqual(await during(mesh, a.queue.handOver()), { events: 0, ends: 0 })
  a.queue.resume()
  const c = await mesh.up('c')
  mesh.crash('b')
  c.disk.full = true
  t.deepEqual(await during(mesh, a.queue.handOver()), { events: 0, ends: 1 })
  c.disk.full = false
  t.deepEqual(await leaves(mesh, a), { events: 0, ends: 0 })
  await isWhole(t, mesh, c, [1, 2])
})

test('an end from a peer changes none that is known, ends none that runs here, and says what it is of', async (t) => {
  const mesh = meshOf(t, 0)
  const a = await mesh.up('a')
  const stranger = mesh.network.join('b')
  await accept(mesh, a, orderOf(id(2)))
  mesh.autoRun = undefined
  await accept(mesh, a, orderOf(id(4)))
  await mesh.clock.advance(1_000)
  const known = await during(mesh, a.queue.result(id(2)))
  const event = eventOf(orderOf(id(2)), 0)
  const meta = encodeMeta({ event, state: { term: 1, starts: 1, failures: 0, notBefore: 0, holders: [] } })
  const forged = { ...known, payload: Buffer.from('"forged"') } as NonNullable<typeof known>
  const keep = (rows: Parameters<typeof encodeKeep>[0]) =>
    during(
      mesh,
      new Promise((resolve) =>
        stranger.request('a', MESSAGE.QUEUE_KEEP, undefined, encodeKeep(rows), (error) => resolve(error?.code))
      )
    )
  const rows = [2, 4, 6].map((each): [string, number, Uint8Array, null] => [
    id(each),
    // From a clock that is years ahead.
    9_000_000_000_000,
    encodeResult({ ...forged, requestId: id(each) }),
    null
  ])
  t.is(await keep(rows), undefined)
  t.deepEqual(await during(mesh, a.queue.result(id(2))), known)
  t.is((await during(mesh, a.queue.result(id(4))))?.status, 'queued')
  t.is((await during(mesh, a.queue.result(id(6))))?.status, 'succeeded')
  t.is(await keep([[id(8), 0, encodeResult(forged), null]]), 'MALFORMED', 'that of another')
  t.is(await keep([[id(8), 0, null, null]]), 'MALFORMED')
  t.is(await keep([[id(8), 0, null, [new Uint8Array(3), new Uint8Array(0)]]]), 'MALFORMED')
  t.is(await keep([[id(8), 0, null, [meta, Buffer.from('{}')]]]), undefined)
  t.is(a.queue.stats().deadLetters, 1)
  await mesh.clock.advance(25 * 3_600_000)
  t.is(await during(mesh, a.queue.result(id(6))), undefined, 'kept for a day')
})
