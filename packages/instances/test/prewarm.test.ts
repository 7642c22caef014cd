import type { FunctionVersion, Invocation, Outcome } from '@peerless/interface'
import { MemoryLogger, SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { Prewarmer } from '../src/prewarmer.ts'
import { start } from './_instances.ts'

const MINUTE = 60_000
/** Of the event loop, while a process starts and makes an instance: some ten seconds. Endless, a fault would take a processor from all other tests. */
const TURNS_MAX = 1_000_000
const FOR_EVER = { deadline: Number.MAX_SAFE_INTEGER }

/** Moves the clock second by second, as the ticks do, and lets real processes keep up. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) await clock.advance(1_000)
}

test.serial(
  'work that comes every minute finds an instance that was prepared for it, and nothing is kept in between',
  async (t) => {
    const clock = new VirtualClock()
    let deployed = true
    const { define, instances } = await start(t, { clock, idleMs: 10_000, isDeployed: () => deployed })
    const fn = define('exports.handler = async () => 1')
    for (let minute = 0; minute < 5; minute++) {
      const { ran } = await fn.result({}, FOR_EVER)
      if (minute > 0 && minute < 3) t.true(ran.usage.cold, `minute ${minute}`)
      await pass(clock, 30_000)
      t.is(instances.list().length, 0)
      await pass(clock, MINUTE - 31_000)
      if (minute < 3) await clock.advance(1_000)
      else {
        for (let turn = 0; turn < TURNS_MAX && !instances.hasIdle(fn.version.revisionId); turn++)
          await new Promise((resolve) => setImmediate(resolve))
        t.true(instances.hasIdle(fn.version.revisionId), 'nothing was prepared')
        await clock.advance(1_000)
      }
    }
    t.false((await fn.result({}, FOR_EVER)).ran.usage.cold)
    // Nor is anything once it is removed.
    deployed = false
    await pass(clock, MINUTE - 1_000)
    await clock.advance(2_000)
    t.is(instances.list().length, 0)
  }
)

test.serial('code that cannot be started ahead is not tried again and again', async (t) => {
  const clock = new VirtualClock()
  const { define, lines } = await start(t, { clock, idleMs: 10_000 })
  const fn = define('exports.handler = async () => 1; if (Date.now() === 0) throw 1; throw new Error("not today")')
  for (let minute = 0; minute < 5; minute++) {
    const { ran } = await fn.result({}, FOR_EVER)
    t.is(ran.status, 'error')
    await pass(clock, MINUTE)
  }
  const ends = lines.filter(({ message }) => message.startsWith('END')).length
  t.true(ends <= 8, `${ends} launches for 5 calls`)
})

test.serial('what is prepared ahead carries nothing of the calls before it', async (t) => {
  const clock = new VirtualClock()
  const launched: Invocation[] = []
  const prewarmer = new Prewarmer({
    clock,
    random: new SeededRandom(1),
    logger: new MemoryLogger(),
    instancesMax: 16,
    present: () => launched.length,
    room: () => true,
    launch: (order) => launched.push(order)
  })
  const version = { revisionId: 'one', timeoutSeconds: 1 } as FunctionVersion
  const call = {
    functionName: 'fn',
    account: 'acme',
    version,
    payload: new Uint8Array(1_000),
    clientContext: 'secret'
  } as Invocation
  for (let at = 0; at < 20; at++) prewarmer.arrived(call, 1)
  prewarmer.ended('one', 900_000, true)
  await clock.advance(1_000)
  prewarmer.tick()
  t.is(launched.length, 4, 'a quarter of what may run, while none of them is ready')
  t.true(
    launched.every(
      ({ payload, clientContext, deadline }) => payload.length === 0 && clientContext === undefined && deadline === 0
    )
  )
})

test.serial(
  'an instance that ended badly is not prepared anew, and no executor can say that its calls took for ever',
  async (t) => {
    const clock = new VirtualClock()
    let launches = 0
    const prewarmer = new Prewarmer({
      clock,
      random: new SeededRandom(1),
      logger: new MemoryLogger(),
      instancesMax: 1_000,
      present: () => launches,
      room: () => true,
      launch: (_order, done) => {
        launches++
        done({ status: 'refused', code: 'UNAVAILABLE', message: '', retryAfterMs: 0 })
      }
    })
    const call = { functionName: 'fn', account: 'acme', version: { revisionId: 'one', timeoutSeconds: 1 } } as Invocation
    for (let at = 0; at < 4; at++) prewarmer.arrived(call, 1)
    prewarmer.ended('one', Number.MAX_SAFE_INTEGER, true)
    prewarmer.ended('one', 0, false)
    await clock.advance(1_000)
    prewarmer.tick()
    t.is(launches, 0)
    await clock.advance(60_000)
    for (let at = 0; at < 4; at++) prewarmer.arrived(call, 1)
    await clock.advance(1_000)
    prewarmer.tick()
    t.true(launches > 0 && launches <= 6, `${launches} for four calls of a second at most`)
  }
)

test.serial(
  'what is missed is started once at a time, not without room, and not again at once where it ended badly',
  async (t) => {
    const clock = new VirtualClock()
    const launched: ((outcome: Outcome) => void)[] = []
    let room = true
    const prewarmer = new Prewarmer({
      clock,
      random: new SeededRandom(1),
      logger: new MemoryLogger(),
      instancesMax: 16,
      present: () => 0,
      room: () => room,
      launch: (_, done) => launched.push(done)
    })
    const made: Outcome = { status: 'refused', code: 'BUSY', message: '', retryAfterMs: 0 }
    const of = (revisionId: string) => ({ functionName: 'fn', account: 'acme', version: { revisionId } as FunctionVersion })
    prewarmer.missed(of('one'))
    prewarmer.missed(of('one'))
    t.is(launched.length, 1)
    prewarmer.missed(of('two'))
    t.is(launched.length, 2)
    launched[0]?.(made)
    room = false
    prewarmer.missed(of('one'))
    t.is(launched.length, 2)
    room = true
    prewarmer.missed(of('one'))
    t.is(launched.length, 3)
    launched[2]?.({ status: 'lost', node: 'n', message: '' })
    prewarmer.missed(of('one'))
    t.is(launched.length, 3, 'it ended badly')
    await clock.advance(61_000)
    prewarmer.missed(of('one'))
    t.is(launched.length, 4)
  }
)

test.serial('what is deployed no more is not started for calls that it used to have', async (t) => {
  const clock = new VirtualClock()
  const launched: Invocation[] = []
  let deployed = true
  const prewarmer = new Prewarmer({
    clock,
    random: new SeededRandom(1),
    logger: new MemoryLogger(),
    instancesMax: 16,
    present: () => 0,
    room: () => true,
    launch: (order) => launched.push(order),
    isDeployed: ({ functionName, version }) => deployed || functionName !== 'fn' || version.revisionId !== 'one'
  })
  const of = { functionName: 'fn', account: 'acme', version: { revisionId: 'one', timeoutSeconds: 1 } as FunctionVersion }
  for (let minute = 0; minute < 5; minute++) {
    prewarmer.arrived(of as Invocation, 1)
    await clock.advance(MINUTE)
  }
  deployed = false
  prewarmer.tick()
  prewarmer.missed(of)
  t.is(launched.length, 0)
  deployed = true
  prewarmer.tick()
  t.is(launched.length, 0, 'it begins anew, if at all')
  prewarmer.missed(of)
  t.is(launched.length, 1)
})
