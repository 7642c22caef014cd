import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { LatencyHistogram } from '../src/latency-histogram.ts'
import { type LatencyDecision, type LatencySample, LatencyScaler } from '../src/latency-scaler.ts'

const TARGET_MS = 200
const START_MS = 400

/**
 * A function on instances that live as the scaler says, in steps of virtual milliseconds: what finds none idle starts one. Told every second, as in the daemon.
 */
class World {
  readonly clock = new VirtualClock()
  readonly scaler = new LatencyScaler(0)
  readonly #random = new SeededRandom(3)
  /** When each instance is free again. */
  #freeAt: number[] = []
  #lastUsed: number[] = []
  #ends: number[] = []
  decision: LatencyDecision | undefined
  late = 0
  calls = 0

  /** @param perSecond of calls, by the second that passes */
  async run(seconds: number, perSecond: (second: number) => number, runMs: () => number, instancesMax = 1_000): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      const began = this.clock.monotonic()
      const sample = this.#second(began, perSecond(second), runMs, instancesMax)
      await this.clock.advance(1_000)
      this.scaler.observe(began + 999, 'n0', sample)
      this.decision = this.scaler.decide(this.clock.monotonic(), TARGET_MS, instancesMax)
      this.#keep(this.decision.warm)
    }
  }

  get instances(): number {
    return this.#freeAt.length
  }

  #second(began: number, perSecond: number, runMs: () => number, instancesMax: number): LatencySample {
    const late = { service: 0, capacity: 0, cold: 0, wait: 0 }
    const sums = { calls: 0, seen: 0, seenSquares: 0, busyMs: 0 }
    const latency = new LatencyHistogram()
    const service = new LatencyHistogram()
    let startMs: number | undefined
    for (let now = began; perSecond > 0; ) {
      now += (-Math.log(1 - this.#random.next()) / perSecond) * 1_000
      if (now >= began + 1_000) break
      this.#ends = this.#ends.filter((end) => end > now)
      const run = runMs()
      let instance = this.#freeAt.findIndex((free) => free <= now)
      let wait = 0
      if (instance < 0 && this.#freeAt.length < instancesMax) {
        instance = this.#freeAt.push(0) - 1
        wait = START_MS
        startMs = START_MS
      } else if (instance < 0) {
        instance = this.#freeAt.indexOf(Math.min(...this.#freeAt))
        wait = (this.#freeAt[instance] as number) - now
      }
      const took = wait + run
      sums.calls++
      sums.seen += this.#ends.length
      sums.seenSquares += this.#ends.length ** 2
      sums.busyMs += took
      this.#ends.push(now + took)
      this.#freeAt[instance] = now + took
      this.#lastUsed[instance] = now + took
      latency.add(took)
      service.add(run)
      if (took > TARGET_MS) late[run > TARGET_MS ? 'service' : wait === START_MS ? 'cold' : 'wait']++
    }
    this.calls += sums.calls
    this.late += late.service + late.capacity + late.cold + late.wait
    return { ...sums, late, startMs, latency, service }
  }

  /** Instances that were not used for ten seconds go, but for those that are wanted. */
  #keep(warm: number): void {
    const now = this.clock.monotonic()
    for (let index = this.#freeAt.length - 1; index >= 0 && this.#freeAt.length > warm; index--) {
      if ((this.#lastUsed[index] as number) > now - 10_000) continue
      this.#freeAt.splice(index, 1)
      this.#lastUsed.splice(index, 1)
    }
    while (this.#freeAt.length < warm) {
      this.#freeAt.push(now + START_MS)
      this.#lastUsed.push(now)
    }
  }
}

const random = new SeededRandom(5)
const exponential = (meanMs: number) => () => -meanMs * Math.log(1 - random.next())

test('a steady load is held with about as many instances as it takes', async (t) => {
  const world = new World()
  await world.run(60, () => 100, exponential(20))
  world.calls = 0
  world.late = 0
  await world.run(300, () => 100, exponential(20))
  t.true(world.late / world.calls <= 0.01, `${world.late} of ${world.calls} were late`)
  t.like(world.decision, { state: 'held', reason: undefined })
  const { warm, p99Ms } = world.decision as LatencyDecision
  // Two calls are under way on average; of a Poisson distribution of mean 2, one in a hundred is above 6.
  t.true(warm >= 4 && warm <= 9, `${warm} warm`)
  t.true((p99Ms as number) <= TARGET_MS)
})

test('a rare call finds one instance, and only one is kept', async (t) => {
  const world = new World()
  await world.run(30, () => 0, exponential(20))
  t.is(world.decision?.warm, 1, 'before the first call')
  await world.run(
    1_200,
    (second) => (second % 15 === 7 ? 1 : 0),
    () => 20
  )
  const { warm, state } = world.decision as LatencyDecision
  t.is(warm, 1)
  t.is(state, 'held')
  t.true(world.late <= 2, 'two that came within 20 ms of each other')
})

test('none is kept where a start is in time', async (t) => {
  const world = new World()
  world.scaler.started(50)
  const service = new LatencyHistogram()
  service.add(20, 100)
  const latency = new LatencyHistogram()
  latency.add(70, 100)
  const late = { service: 0, capacity: 0, cold: 0, wait: 0 }
  world.scaler.observe(0, 'n0', { calls: 100, seen: 0, seenSquares: 0, busyMs: 7_000, late, startMs: 50, latency, service })
  t.like(world.scaler.decide(1_000, TARGET_MS, 100), { warm: 0, state: 'held' })
})

test('a load that doubles every four seconds is followed', async (t) => {
  const world = new World()
  await world.run(120, () => 10, exponential(20))
  world.calls = 0
  world.late = 0
  await world.run(20, (second) => 10 * 2 ** (second / 4), exponential(20))
  t.true(world.late / world.calls <= 0.03, `${world.late} of ${world.calls} were late`)
})

test('when the load is gone, so are the instances after a minute and a half, but for the last', async (t) => {
  const world = new World()
  await world.run(60, () => 200, exponential(50))
  t.true((world.decision?.warm as number) >= 15)
  await world.run(95, () => 0, exponential(50))
  t.true((world.decision?.warm as number) <= 2)
  await world.run(240, () => 0, exponential(50))
  t.is(world.decision?.warm, 1)
})

test('it says that run times alone are too long, and keeps no instances against them that do not help', async (t) => {
  const world = new World()
  await world.run(
    120,
    () => 50,
    () => 300
  )
  const { warm } = world.decision as LatencyDecision
  t.like(world.decision, { state: 'missed', reason: 'service' })
  t.true(warm <= 40, `${warm} warm for 15 at once`)
})

test('it says that there is no room for what the target takes', async (t) => {
  const world = new World()
  await world.run(120, () => 100, exponential(100), 8)
  t.like(world.decision, { state: 'missed', reason: 'capacity', warm: 8 })
})

test('with few calls it says nothing', async (t) => {
  const world = new World()
  await world.run(
    10,
    () => 1,
    () => 20
  )
  t.is(world.decision?.state, 'learning')
})

test('what is late in spite of the estimate is answered with more instances, and they go again', async (t) => {
  const scaler = new LatencyScaler(0)
  const sample = (cold: number): LatencySample => {
    const service = new LatencyHistogram()
    service.add(20, 100)
    const late = { service: 0, capacity: 0, cold, wait: 0 }
    return { calls: 100, seen: 200, seenSquares: 600, busyMs: 2_000, late, startMs: 400, latency: service, service }
  }
  const run = (from: number, to: number, cold: number) => {
    let last: LatencyDecision | undefined
    for (let second = from; second < to; second++) {
      scaler.observe(second * 1_000, 'n0', sample(cold))
      last = scaler.decide(second * 1_000 + 999, TARGET_MS, 1_000)
    }
    return last as LatencyDecision
  }
  const before = run(0, 60, 0)
  const more = run(60, 110, 5)
  t.like(more, { state: 'missed', reason: 'cold' })
  t.true(more.warm >= before.warm * 2, `${before.warm}, then ${more.warm}`)
  const after = run(110, 900, 0)
  t.is(after.warm, before.warm)
  t.is(after.state, 'held')
})

test('calls that come in at several nodes add up', (t) => {
  const scaler = new LatencyScaler(0)
  const service = new LatencyHistogram()
  service.add(50, 100)
  const late = { service: 0, capacity: 0, cold: 0, wait: 0 }
  const sample: LatencySample = {
    calls: 100,
    seen: 500,
    seenSquares: 3_000,
    busyMs: 5_000,
    late,
    startMs: 400,
    latency: service,
    service
  }
  const warm: number[] = []
  for (const nodes of [1, 4]) {
    const each = new LatencyScaler(0)
    for (let second = 0; second < 60; second++) {
      for (let node = 0; node < nodes; node++) each.observe(second * 1_000, `n${node}`, sample)
      warm[nodes] = each.decide(second * 1_000 + 999, TARGET_MS, 1_000).warm
    }
  }
  const [one, four] = [warm[1] as number, warm[4] as number]
  t.true(four > 2.5 * one && four <= 4 * one, `${one} for one, ${four} for four: pooled load needs less on top`)
  scaler.adopt(0, 17)
  t.is(scaler.decide(1_000, TARGET_MS, 1_000).warm, 17, 'what the node before wanted holds for a while')
  t.is(scaler.decide(32_000, TARGET_MS, 1_000).warm, 1)
})
