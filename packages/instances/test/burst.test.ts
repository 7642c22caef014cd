import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { burstSize } from '../src/burst-size.ts'
import { LaunchLine } from '../src/launch-line.ts'
import { newRunning, type Running } from '../src/records.ts'
import { start } from './_instances.ts'

const SEED = 20_261_125

test.serial('a burst is worth no fewer instances when it has more or longer calls, or more cores', (t) => {
  const size = fc.record({
    calls: fc.integer({ min: 1, max: 1_000 }),
    serviceMs: fc.double({ min: 0.01, max: 100_000, noNaN: true }),
    startMs: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
    cores: fc.integer({ min: 1, max: 128 })
  })
  const property = fc.property(size, fc.integer({ min: 1, max: 50 }), ({ calls, serviceMs, startMs, cores }, more) => {
    const before = burstSize(calls, serviceMs, startMs, cores)
    t.true(before >= 1 && before <= calls)
    t.true(burstSize(calls + more, serviceMs, startMs, cores) >= before)
    t.true(burstSize(calls, serviceMs * more, startMs, cores) >= before)
    t.true(burstSize(calls, serviceMs, startMs, cores + more) >= before)
    t.true(burstSize(calls, serviceMs, startMs * more, cores) <= before)
  })
  t.notThrows(() => fc.assert(property, { seed: SEED }))
})

test.serial('calls of a second each get an instance of their own, calls of a millisecond share', (t) => {
  t.is(burstSize(64, 1_000, 10, 2), 64)
  t.is(burstSize(64, 20, 10, 2), 16)
  t.is(burstSize(64, 1, 10, 2), 4)
})

/** A line over a pretended node: `alive` instances, `free` of them idle. */
function line(serviceMs: number | undefined) {
  const clock = new VirtualClock()
  const state = { alive: 0, starting: 0, free: 0, launched: 0, served: 0, starts: Number.POSITIVE_INFINITY }
  const it = new LaunchLine({
    clock,
    cores: 2,
    mayStart: () => state.starts > 0,
    alive: () => state.alive,
    starting: () => state.starting,
    busy: () => state.alive - state.free,
    serviceMs: () => serviceMs,
    serve: () => {
      if (state.free === 0) return false
      state.free--
      state.served++
      return true
    },
    launch: () => {
      state.starts--
      state.alive++
      state.launched++
    }
  })
  const call = (): Running => newRunning({ version: { revisionId: 'r' } } as Running['invocation'], () => undefined)
  const arrive = () => {
    if (it.hold(call())) return
    state.alive++
    state.launched++
  }
  return { clock, state, it, arrive }
}

test.serial(
  'a hundred calls at once of what takes 20 ms start a fifth as many instances, and the rest get what comes free',
  async (t) => {
    const { state, it, arrive } = line(20)
    for (let count = 0; count < 100; count++) arrive()
    t.is(state.launched, 20)
    while (it.waiting) {
      state.free++
      it.freed('r')
    }
    t.is(state.launched + state.served, 100)
  }
)

test.serial(
  'where nothing comes free every call gets an instance after about the time that starting all would have taken',
  async (t) => {
    const { clock, state, it, arrive } = line(1)
    for (let count = 0; count < 60; count++) arrive()
    const first = state.launched
    t.true(first < 10)
    await clock.advance(100)
    t.true(state.launched > first)
    await clock.advance(300)
    t.is(state.launched, 60)
    t.false(it.waiting)
  }
)

test.serial(
  'a stall while instances start is no reason to start more of them, and what waited too long at most doubles them',
  async (t) => {
    const { clock, state, it, arrive } = line(1)
    arrive()
    state.starting = 1
    for (let count = 0; count < 63; count++) arrive()
    const first = state.launched
    t.true(first < 8)
    state.starting = first - 1
    await clock.advance(900)
    t.is(state.launched, first, 'starts take the processors from what would come free')
    await clock.advance(200)
    t.is(state.launched, first, 'as many start as may')
    state.starting = 0
    await clock.advance(1_000)
    t.is(state.launched, 64)
    t.false(it.waiting)
  }
)

test.serial('who waits first is served first, and a later call does not start what he waits for', (t) => {
  const { state, it, arrive } = line(1)
  arrive()
  arrive()
  t.true(it.waiting)
  const before = state.launched
  state.free++
  it.freed('r')
  t.is(state.served, 1)
  t.is(state.launched, before)
})

test.serial(
  'where no start can begin calls wait, also of code that was never started, and revisions take turns when one can',
  (t) => {
    const order: string[] = []
    let turns = 0
    const it = new LaunchLine({
      clock: new VirtualClock(),
      cores: 2,
      mayStart: () => turns > 0,
      alive: () => 0,
      starting: () => 0,
      busy: () => 0,
      serviceMs: () => 1_000,
      serve: () => false,
      launch: ({ invocation }) => {
        turns--
        order.push(invocation.version.revisionId)
      }
    })
    const arrive = (revisionId: string) =>
      t.true(
        it.hold(
          newRunning({ version: { revisionId } } as Running['invocation'], () => undefined),
          true
        )
      )
    for (let call = 0; call < 50; call++) arrive('loud')
    arrive('quiet')
    arrive('other')
    t.deepEqual(order, [])
    for (let turn = 0; turn < 6; turn++) {
      turns = 1
      it.opened()
    }
    t.deepEqual(order, ['loud', 'quiet', 'other', 'loud', 'loud', 'loud'])
  }
)

test.serial(
  'a call that comes while lines are gone through, after its revision had none left, waits in a line of its own',
  (t) => {
    const state = { turns: 0, free: 0 }
    const launched: string[] = []
    const call = (revisionId: string) => newRunning({ version: { revisionId } } as Running['invocation'], () => undefined)
    const it: LaunchLine = new LaunchLine({
      clock: new VirtualClock(),
      cores: 2,
      mayStart: () => state.turns > 0,
      alive: () => 0,
      starting: () => 0,
      busy: () => 0,
      serviceMs: () => 1_000,
      serve: ({ invocation }) => invocation.version.revisionId === 'second' && state.free-- > 0,
      launch: ({ invocation }) => {
        state.turns--
        launched.push(invocation.version.revisionId)
        // What ends a start may free others, and bring others' calls.
        state.free = 1
        it.freed('second')
        t.true(it.hold(call('second')))
        state.free = 0
      }
    })
    it.hold(call('first'))
    it.hold(call('second'))
    state.turns = 1
    it.opened()
    t.deepEqual(launched, ['first'])
    t.true(it.waiting, 'nobody is forgotten')
  }
)

test.serial('forty calls at once of a function that waits 20 ms all run, from one reading of the bundle', async (t) => {
  const { instances, define, loads } = await start(t, { slots: 64, cores: 2 })
  const fn = define(`exports.handler = () => new Promise((done) => setTimeout(() => done('ok'), 20))`)
  const calls = Array.from({ length: 40 }, () => fn.call({}))
  // Those that start now share a reading; on a machine that stalls others start later, and read again.
  t.true(instances.launching(fn.version.revisionId) > 1)
  t.is(loads(), 1)
  const outcomes = await Promise.all(calls)
  t.true(outcomes.every(({ status }) => status === 'ok'))
  // How many it takes depends on how busy the machine is: on one that stalls, every call gets one in the end.
  t.log(`${instances.list().length} instances for 40 calls`)
  // Starts that nobody waits for any more go on.
  t.true(await instances.drain(30_000), 'no slot is lost')
})

test.serial('calls that wait for an instance are told when it cannot be started, each for itself', async (t) => {
  const { instances, define } = await start(t, { slots: 16, cores: 1 })
  const fn = define(`throw new Error('no start')`)
  const outcomes = await Promise.all(Array.from({ length: 16 }, () => fn.call({})))
  t.true(outcomes.every(({ status }) => status === 'error'))
  t.is(instances.busy, 0)
  t.is(instances.list().length, 0)
})

test.serial(
  'a call takes an instance that comes free before its own start ends, and that one is there for the next',
  async (t) => {
    let held: Promise<unknown> = Promise.resolve()
    const { define, instances } = await start(t, { slots: 2, hold: () => held })
    // Larger than what is kept in memory, so that another executor has to ask for it.
    const fn = define(`/*${'x'.repeat(9_000_000)}*/ exports.handler = (e) => new Promise((done) => setTimeout(done, e.ms, 'ok'))`)
    // Calls take so long that a second one is worth a start.
    await fn.result({ ms: 1_500 })
    let release: (value?: unknown) => void = () => undefined
    held = new Promise((resolve) => {
      release = resolve
    })
    const first = fn.result({ ms: 200 })
    const second = fn.result({ ms: 1 })
    t.is(instances.launching(fn.version.revisionId), 1)
    const { instance, cold } = (await second).ran.usage
    t.is(instance, (await first).ran.usage.instance)
    t.false(cold)
    t.is(instances.launching(fn.version.revisionId), 1, 'the start goes on')
    t.is(instances.busy, 0, 'and holds no slot')
    // Longer than a start takes on a machine that others use as well.
    const both = Promise.all([fn.result({ ms: 1_500 }), fn.result({ ms: 1_500 })])
    t.is(instances.busy, 2)
    release()
    const others = await both
    t.is(new Set(others.map(({ ran }) => ran.usage.instance)).size, 2)
  }
)
