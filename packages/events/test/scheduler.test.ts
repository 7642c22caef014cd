import type { AsyncOrder } from '@peerless/interface'
import test from 'ava'
import { MINUTE_MS } from '../src/constants.ts'
import { Mesh, timesOf } from './_mesh.ts'

test('a schedule fires once per time over three nodes, with the event of EventBridge', async (t) => {
  const mesh = new Mesh()
  for (const name of ['a', 'b', 'c']) mesh.up(name)
  await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'cron(0/2 * * * ? *)' })
  await mesh.clock.advance(7 * MINUTE_MS)
  t.deepEqual(timesOf(mesh), ['2026-01-01T00:02:00Z', '2026-01-01T00:04:00Z', '2026-01-01T00:06:00Z'])
  const order = mesh.accepted[0]?.order as AsyncOrder
  t.deepEqual(JSON.parse(Buffer.from(order.payload).toString()), {
    version: '0',
    id: order.requestId,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '123456789012',
    time: '2026-01-01T00:02:00Z',
    region: 'eu-west-1',
    resources: ['arn:aws:events:eu-west-1:123456789012:rule/s'],
    detail: {}
  })
  for (const { at, order } of mesh.accepted)
    t.true(at - Date.parse(JSON.parse(Buffer.from(order.payload).toString()).time) < 1_000)
})

test('when its owner dies another node fires, within five seconds and not again', async (t) => {
  const mesh = new Mesh()
  for (const name of ['a', 'b', 'c']) mesh.up(name)
  const { owner } = await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)' })
  await mesh.clock.advance(MINUTE_MS + 1_000)
  t.is(mesh.accepted[0]?.node, owner)
  mesh.crash(owner)
  await mesh.clock.advance(5_000)
  t.is(mesh.accepted.length, 1, 'what was fired is recognised')
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 2)
  const next = mesh.accepted[1]
  t.not(next?.node, owner)
  mesh.crash(next?.node as string)
  // Dies before it fires, and is missed a little later.
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 3)
})

test('nodes that do not see each other fire both; once they do, only one of them', async (t) => {
  const mesh = new Mesh()
  for (const name of ['a', 'b']) mesh.up(name)
  await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)' })
  mesh.network.partition(['a'], ['b'])
  await mesh.clock.advance(MINUTE_MS + 1_000)
  t.is(mesh.accepted.length, 2)
  t.is(mesh.accepted[0]?.order.requestId, mesh.accepted[1]?.order.requestId, 'under one id')
  mesh.network.heal()
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 3)
})

for (const [missed, made] of [
  ['skip', 0],
  ['one', 1]
] as const) {
  test(`after a sleep of an hour ${made} firing is made up for where missed is ${missed}`, async (t) => {
    const mesh = new Mesh()
    mesh.up('a')
    await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'cron(0/10 * * * ? *)', missed })
    await mesh.clock.advance(10 * MINUTE_MS + 1_000)
    t.is(mesh.accepted.length, 1)
    mesh.crash('a')
    await mesh.clock.advance(65 * MINUTE_MS)
    mesh.known = new Set()
    mesh.up('a')
    await mesh.clock.advance(10_000)
    t.is(mesh.accepted.length, 1 + made)
    if (made === 1) t.is(timesOf(mesh)[1], '2026-01-01T01:10:00Z', 'the last of them')
    mesh.crash('a')
    mesh.known = new Set()
    mesh.up('a')
    await mesh.clock.advance(10_000)
    t.is(mesh.accepted.length, 1 + made, 'and not once more after another start')
    await mesh.clock.advance(5 * MINUTE_MS)
    t.is(mesh.accepted.length, 2 + made)
  })
}

for (const missed of ['skip', 'one'] as const) {
  test(`a clock that was hours ahead for a while stops no schedule where missed is ${missed}`, async (t) => {
    const mesh = new Mesh()
    mesh.up('a')
    await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)', missed })
    await mesh.clock.advance(MINUTE_MS + 1_000)
    t.is(mesh.accepted.length, 1)
    mesh.shiftClock('a', 5 * 60 * MINUTE_MS)
    await mesh.clock.advance(MINUTE_MS)
    const made = mesh.accepted.length
    t.is(timesOf(mesh).at(-1), '2026-01-01T05:02:00Z')
    mesh.shiftClock('a', 0)
    await mesh.clock.advance(3 * MINUTE_MS)
    t.deepEqual(timesOf(mesh).slice(made), ['2026-01-01T00:03:00Z', '2026-01-01T00:04:00Z', '2026-01-01T00:05:00Z'])
  })

  test(`a clock that is put back fires nothing again where missed is ${missed}`, async (t) => {
    const mesh = new Mesh()
    mesh.up('a')
    await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)', missed })
    await mesh.clock.advance(3 * MINUTE_MS + 1_000)
    t.is(mesh.accepted.length, 3)
    mesh.shiftClock('a', -2 * MINUTE_MS)
    await mesh.clock.advance(3 * MINUTE_MS)
    t.deepEqual(timesOf(mesh).slice(3), ['2026-01-01T00:04:00Z'])
  })
}

test('paused it fires nothing, and resumed not what it missed meanwhile', async (t) => {
  const mesh = new Mesh()
  const { triggers } = mesh.up('a')
  await triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)', missed: 'one' })
  await mesh.clock.advance(90_000)
  t.is((await triggers.setPaused('s', true)).nextAt, undefined)
  await mesh.clock.advance(10 * MINUTE_MS)
  t.is(mesh.accepted.length, 1)
  await triggers.setPaused('s', false)
  await mesh.clock.advance(1_000)
  t.is(mesh.accepted.length, 1)
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 2)
  await triggers.remove('s')
  await mesh.clock.advance(3 * MINUTE_MS)
  t.is(mesh.accepted.length, 2)
  t.deepEqual(triggers.list(), [])
})

test('a window puts every firing off by the same time, and input replaces the event', async (t) => {
  const mesh = new Mesh()
  const { triggers } = mesh.up('a')
  await triggers.addSchedule({
    name: 's',
    functionName: 'f',
    expression: 'rate(1 hour)',
    windowMinutes: 30,
    input: '{"at":"<aws.scheduler.scheduled-time>"}'
  })
  await mesh.clock.advance(3 * 60 * MINUTE_MS)
  const [first, second] = mesh.accepted
  if (first === undefined || second === undefined) return t.fail()
  t.is(second.at - first.at, 60 * MINUTE_MS)
  const late = first.at - Date.parse('2026-01-01T01:00:00Z')
  t.true(late >= 0 && late < 30 * MINUTE_MS)
  t.is(Buffer.from(first.order.payload).toString(), '{"at":"2026-01-01T01:00:00Z"}')
})

test('a schedule does not fire a function that another account made under the name of its own', async (t) => {
  const mesh = new Mesh()
  const { triggers } = mesh.up('a')
  await triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)' })
  await mesh.clock.advance(MINUTE_MS + 1_000)
  t.is(mesh.accepted.length, 1)
  await mesh.deploy('f', 'another')
  await mesh.clock.advance(5 * MINUTE_MS)
  t.is(mesh.accepted.length, 1)
  await mesh.deploy('f', 'default')
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 2)
})

test('once is once', async (t) => {
  const mesh = new Mesh()
  const { triggers } = mesh.up('a')
  const { nextAt } = await triggers.addSchedule({
    name: 's',
    functionName: 'f',
    expression: 'at(2026-01-01T00:05:00)',
    timezone: 'UTC'
  })
  t.is(nextAt, Date.parse('2026-01-01T00:05:00Z'))
  await mesh.clock.advance(60 * MINUTE_MS)
  t.is(mesh.accepted.length, 1)
  t.is(triggers.get('s')?.nextAt, undefined)
})

const order = { name: 's', functionName: 'f', expression: 'rate(1 minute)' }

test('what cannot be a schedule is refused', async (t) => {
  const { triggers } = new Mesh().up('a')
  const refused = async (change: object, code: string, word: string) => {
    const error = await t.throwsAsync(triggers.addSchedule({ ...order, ...change }), { code })
    t.true(error?.message.includes(word), error?.message)
  }
  await refused({ name: 'a b' }, 'INVALID_ARGUMENT', "'a b'")
  await refused({ functionName: 'g' }, 'NOT_FOUND', "'g'")
  await refused({ expression: 'at(2020-01-01T00:00:00)' }, 'INVALID_ARGUMENT', 'never fires')
  await refused({ windowMinutes: 1.5 }, 'INVALID_ARGUMENT', '1440')
  await refused({ startAt: 5, endAt: 5 }, 'INVALID_ARGUMENT', 'before end')
  await refused({ timezone: 'Nowhere' }, 'INVALID_ARGUMENT', 'Nowhere')
  await triggers.addSchedule(order)
  await refused({}, 'CONFLICT', "'s'")
  await t.throwsAsync(triggers.remove('none'), { code: 'NOT_FOUND' })
  t.is(triggers.list()[0]?.trigger.account, 'default')
})
