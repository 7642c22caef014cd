import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { LatencyHistogram } from '../src/latency-histogram.ts'
import { type Demand, warmFor } from '../src/warm-estimate.ts'

const SEED = 20_261_129

function serviceOf(...durationsMs: number[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const duration of durationsMs) histogram.add(duration)
  return histogram
}

const demands: fc.Arbitrary<Demand> = fc
  .record({
    seenMean: fc.double({ min: 0, max: 300, noNaN: true }),
    burst: fc.double({ min: 0, max: 5, noNaN: true }),
    durations: fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 }),
    startMs: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
    targetMs: fc.integer({ min: 1, max: 10_000 })
  })
  .map(({ burst, durations, ...rest }) => ({
    ...rest,
    seenVariance: rest.seenMean * burst,
    service: serviceOf(...durations)
  }))

test('more calls at once, burstier ones, slower starts and a stricter target never want fewer instances', (t) => {
  fc.assert(
    fc.property(demands, fc.double({ min: 1, max: 3, noNaN: true }), (demand, factor) => {
      const warm = warmFor(demand, 10_000)
      const more = { ...demand, seenMean: demand.seenMean * factor, seenVariance: demand.seenVariance * factor }
      // Where the one formula ends and the other begins they differ by a few.
      const seam = demand.seenMean <= 100 && more.seenMean > 100 ? 5 : 0
      t.true(warmFor(more, 10_000) >= warm - seam)
      if (demand.startMs !== undefined) t.true(warmFor({ ...demand, startMs: demand.startMs * factor }, 10_000) >= warm)
      t.true(warmFor({ ...demand, startMs: undefined }, 10_000) >= warm)
    }),
    { seed: SEED }
  )
})

test('it never wants more than there can be, and none only where a start is in time', (t) => {
  fc.assert(
    fc.property(demands, fc.integer({ min: 1, max: 50 }), (demand, most) => {
      const warm = warmFor(demand, most)
      t.true(warm >= 0 && warm <= most)
      const { service, startMs, targetMs } = demand
      const late = (startMs === undefined ? 1 : service.shareAbove(targetMs - startMs)) - service.shareAbove(targetMs)
      if (warm === 0) t.true(late <= 0.01)
      if (late <= 0.002_5) t.is(warm, 0)
    }),
    { seed: SEED }
  )
})

test('what has never been seen wants one', (t) => {
  const demand = { seenMean: 0, seenVariance: 0, service: serviceOf(), startMs: undefined, targetMs: 100 }
  t.is(warmFor(demand, 10), 1)
  t.is(warmFor({ ...demand, service: serviceOf(10), startMs: 20 }, 10), 0, 'a start of 20 ms and a run of 10 are in time')
  t.is(warmFor({ ...demand, service: serviceOf(10), startMs: 120 }, 10), 1)
})

/** Calls under way that each of `calls` arrivals finds; run times are what `run` draws. */
function simulated(perSecond: number, calls: number, batch: number, run: () => number, random: () => number): number[] {
  const ends: number[] = []
  const seen: number[] = []
  let now = 0
  while (seen.length < calls) {
    now += (-Math.log(1 - random()) / perSecond) * 1_000 * batch
    for (let index = 0; index < batch; index++) {
      for (let at = ends.length - 1; at >= 0; at--) if ((ends[at] as number) <= now) ends.splice(at, 1)
      seen.push(ends.length)
      ends.push(now + run())
    }
  }
  return seen
}

const random = new SeededRandom(7)
const draw = () => random.next()
const EXPONENTIAL = () => -100 * Math.log(1 - draw())
const BIMODAL = () => (draw() < 0.1 ? 600 : 45)
/** Pareto, of mean 100 ms and no variance. */
const HEAVY = () => Math.min(10_000, 33 * (1 - draw()) ** (-1 / 1.5))
for (const [title, perSecond, batch, run] of [
  ['few exponential calls', 2, 1, EXPONENTIAL],
  ['many exponential calls', 200, 1, EXPONENTIAL],
  ['bimodal calls', 50, 1, BIMODAL],
  ['heavy-tailed calls', 50, 1, HEAVY],
  ['calls that come eight at a time', 40, 8, EXPONENTIAL],
  ['very many calls', 2_000, 1, EXPONENTIAL]
] as const) {
  test(`of ${title} one in a hundred finds no instance, and few more instances are wanted than that takes`, (t) => {
    const seen = simulated(perSecond, 40_000, batch, run, draw)
    const mean = seen.reduce((sum, one) => sum + one, 0) / seen.length
    const variance = seen.reduce((sum, one) => sum + (one - mean) ** 2, 0) / seen.length
    const service = new LatencyHistogram()
    for (let index = 0; index < 1_000; index++) service.add(run())
    const warm = warmFor({ seenMean: mean, seenVariance: variance, service, startMs: 20_000, targetMs: 15_000 }, 10_000)
    const missed = (instances: number) => seen.filter((one) => one >= instances).length / seen.length
    let least = 0
    while (missed(least) > 0.01) least++
    t.true(missed(warm) <= 0.013, `${warm} instances: ${missed(warm)}`)
    t.true(warm <= least + Math.max(1, 0.1 * least), `${warm} wanted, ${least} are enough`)
  })
}
