import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import { CLAIM_LEASE_MS, MINUTE_MS } from '../src/constants.ts'
import { Mesh, timesOf } from './_mesh.ts'

const NAMES = ['a', 'b', 'c']
const lateMs = (mesh: Mesh) => mesh.accepted.map(({ at }, index) => at - Date.parse(timesOf(mesh)[index] as string))

async function minutely(): Promise<{ mesh: Mesh; owner: string }> {
  const mesh = new Mesh()
  for (const name of NAMES) mesh.up(name)
  const { owner } = await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)' })
  return { mesh, owner }
}

for (const [beforeMs, forMs] of [
  [1, 4_600],
  [1, 9_000],
  [3_000, 4_900],
  [3_000, 40_000]
] as const) {
  test(`an owner that falls silent ${beforeMs} ms before a firing is taken over within 5 s; back after ${forMs} ms it does not fire it again`, async (t) => {
    const { mesh, owner } = await minutely()
    await mesh.clock.advance(2 * MINUTE_MS - beforeMs)
    t.is(mesh.accepted.length, 1)
    mesh.freeze(owner)
    await mesh.clock.advance(forMs)
    const [, taken] = mesh.accepted
    t.not(taken?.node, owner)
    t.true((lateMs(mesh)[1] as number) < 5_000, `${lateMs(mesh)[1]} ms late`)
    mesh.thaw(owner)
    await mesh.clock.advance(MINUTE_MS + 5_000)
    t.deepEqual(timesOf(mesh), ['2026-01-01T00:01:00Z', '2026-01-01T00:02:00Z', '2026-01-01T00:03:00Z'])
  })
}

test('an owner that sleeps over ten firings makes none of them up that others made', async (t) => {
  const { mesh, owner } = await minutely()
  await mesh.clock.advance(MINUTE_MS + 30_000)
  mesh.freeze(owner)
  await mesh.clock.advance(10 * MINUTE_MS)
  mesh.thaw(owner)
  await mesh.clock.advance(MINUTE_MS)
  t.is(new Set(timesOf(mesh)).size, 12)
  t.is(mesh.accepted.length, 12)
  t.is(mesh.accepted.at(-1)?.node, owner)
})

test('a whole mesh that sleeps fires what it missed once or not at all, as the schedule says', async (t) => {
  for (const [missed, made] of [
    ['skip', 0],
    ['one', 1]
  ] as const) {
    const mesh = new Mesh()
    for (const name of NAMES) mesh.up(name)
    await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'cron(0/10 * * * ? *)', missed })
    await mesh.clock.advance(10 * MINUTE_MS + 30_000)
    for (const name of NAMES) mesh.freeze(name)
    await mesh.clock.advance(33 * MINUTE_MS)
    for (const name of NAMES) mesh.thaw(name)
    await mesh.clock.advance(MINUTE_MS)
    t.is(mesh.accepted.length, 1 + made, missed)
  }
})

test('a firing says until when it is nobody else’s, so that a sleep between claim and acceptance is noticed', async (t) => {
  const { mesh } = await minutely()
  await mesh.clock.advance(MINUTE_MS + 1_000)
  const [{ order, at } = {}] = mesh.accepted
  const leftMs = (order?.mineUntilMs as number) - (at as number)
  t.true(leftMs > 0 && leftMs <= CLAIM_LEASE_MS, `${leftMs}`)
})

for (const seed of [1, 2, 3]) {
  test(`whichever node falls silent, and for however long, every minute fires once, seed ${seed}`, async (t) => {
    const { mesh } = await minutely()
    const chance = new SeededRandom(seed)
    const minutes = 40
    let frozen: string | undefined
    let changeAt = 0
    while (mesh.clock.monotonic() - mesh.startedAt < minutes * MINUTE_MS + 30_000) {
      if (mesh.clock.monotonic() >= changeAt) {
        if (frozen !== undefined) mesh.thaw(frozen)
        frozen = frozen === undefined ? NAMES[Math.floor(chance.next() * NAMES.length)] : undefined
        if (frozen !== undefined) mesh.freeze(frozen)
        // Awake for long enough to be connected again.
        changeAt = mesh.clock.monotonic() + (frozen === undefined ? 6_500 : 0) + chance.next() * chance.next() * 30_000
      }
      await mesh.clock.advance(20 + chance.next() * 400)
    }
    const times = timesOf(mesh)
    t.is(new Set(times).size, times.length, `${times}`)
    t.is(times.length, minutes)
    // An owner that slept itself fires when it has found the others again.
    for (const late of lateMs(mesh)) t.true(late < 5_750, `${late} ms late`)
  })
}
