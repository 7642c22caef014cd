import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { EventHeap } from './_event-heap.ts'
import { EventWheel } from './_event-wheel.ts'
import type { SimulationOptions } from './_options.ts'
import { svgOf } from './_plot.ts'
import { Simulation } from './_simulation.ts'
import { Workload } from './_workload.ts'

/** Small enough for every run of the tests. What is asserted follows from the seed, on every machine. */
const SMALL: Partial<SimulationOptions> = {
  nodes: 40,
  functions: 200,
  slots: [32, 64],
  serviceMs: 200,
  keepMs: 3_000,
  warmUpMs: 3_500,
  measureMs: 2_000
}

const run = (options: Partial<SimulationOptions>) => new Simulation({ ...SMALL, ...options }).run()

test('the policy stays near the omniscient one, and far from random and from the gossiped minimum', (t) => {
  for (const [load, bound] of [
    [0.7, 1.4],
    [0.9, 1.5]
  ] as const) {
    const own = run({ load })
    const best = run({ load, policy: 'omniscient' })
    t.true(own.p99 <= bound * best.p99, `${load}: p99 slowdown ${own.p99} against ${best.p99}`)
    t.true(own.maxOverMean <= 1.5, `${load}: max/mean ${own.maxOverMean}`)
    t.true(own.messages <= 0.5, `${load}: ${own.messages} messages per call`)
    t.is(own.refused, 0)
    for (const policy of ['random', 'gossiped-minimum'] as const) {
      const other = run({ load, policy })
      t.true(own.p99 < other.p99, `${policy} ${other.p99}`)
      t.true(2 * own.coldShare < other.coldShare, `${policy} ${other.coldShare}`)
    }
  }
})

test('the same seed gives the same run', (t) => {
  const { seconds: _, ...first } = run({ measureMs: 500 })
  const { seconds: __, ...second } = run({ measureMs: 500 })
  t.deepEqual(first, second)
  t.notDeepEqual(run({ measureMs: 500, seed: 2 }).calls, first.calls)
})

test('a draining node takes nothing more, a dead one costs no call but those it had', (t) => {
  const drained = run({ load: 0.5, faults: [{ at: 1_000, node: 3, what: 'drain' }] })
  t.is(drained.errors, 0)
  t.is(drained.refused, 0)
  const dead = run({ load: 0.5, faults: [{ at: 4_000, node: 3, what: 'down' }] })
  t.is(dead.refused, 0)
  t.true(dead.errors < 0.02, `${dead.errors}`)
})

test('a node that fails fast is not loved for it', (t) => {
  const faults = [{ at: 1_000, node: 3, what: 'fast' as const }]
  const own = run({ load: 0.5, faults })
  const other = run({ load: 0.5, faults, policy: 'power-of-two' })
  t.true(own.sinkhole < 1.5, `${own.sinkhole} of its share`)
  t.true(own.errors < other.errors, `${own.errors} against ${other.errors}`)
})

test('what each caller alone would learn too late of nodes that fail fast, all learn together', (t) => {
  const faults = [3, 13, 23].map((node) => ({ at: 1_000, node, what: 'fast' as const }))
  const { errors } = run({ load: 0.5, nodes: 60, functions: 300, faults })
  // What comes to those nodes themselves fails there. Without the others' word it is 0.022.
  t.true(errors < 0.013, `${errors}`)
})

test('calls stay in their zone while there is room, and leave it when there is none', (t) => {
  t.true(run({ zones: 2, load: 0.5 }).far < 0.02)
  const full = run({ zones: 2, load: 0.6, entries: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18] })
  t.true(full.far > 0.1, `${full.far}`)
  t.is(full.refused, 0)
})

test('who knows only those it is connected with does worse than who knows all, and better than who sends by chance', (t) => {
  const all = run({ nodes: 100, functions: 500, load: 0.6, measureMs: 500 })
  const some = run({ nodes: 100, functions: 500, load: 0.6, measureMs: 500, connections: { wanted: 8, max: 24 } })
  t.is(some.refused, 0)
  t.is(some.errors, 0)
  const chance = run({ nodes: 100, functions: 500, load: 0.6, measureMs: 500, policy: 'random' })
  t.true(all.p99 < some.p99 && some.p99 < chance.p99, `${all.p99}, ${some.p99}, ${chance.p99}`)
  t.true(all.coldShare < some.coldShare && some.coldShare < chance.coldShare / 2, `${some.coldShare}`)
  t.true(some.beaconCopies < all.beaconCopies / 4, `${some.beaconCopies} against ${all.beaconCopies}`)
  const faults = [
    { at: 1_000, node: 3, what: 'down' as const },
    { at: 7_500, node: 3, what: 'revive' as const }
  ]
  const dead = run({
    nodes: 100,
    functions: 500,
    load: 0.5,
    warmUpMs: 8_000,
    measureMs: 500,
    connections: { wanted: 8, max: 24 },
    faults
  })
  t.is(dead.refused, 0)
  t.is(dead.errors, 0)
})

test('an omniscient sends nothing to a node that drains', (t) => {
  const { bounces, refused, errors } = run({ load: 0.5, policy: 'omniscient', faults: [{ at: 1_000, node: 3, what: 'drain' }] })
  t.deepEqual({ bounces, refused, errors }, { bounces: 0, refused: 0, errors: 0 })
})

test('events leave the heap and the wheel in the order of their times, equal ones as they came', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), fc.constantFrom(EventHeap, EventWheel), (times, Kind) => {
      const heap = new Kind<number>()
      for (const [index, time] of times.entries()) heap.push(time, index % 7, index)
      const expected = times.map((time, index) => ({ time, index })).sort((a, b) => a.time - b.time || a.index - b.index)
      return expected.every(({ time, index }) => heap.pop() && heap.time === time && heap.payload === index) && !heap.pop()
    }),
    { seed: 20261125, numRuns: 300 }
  )
  t.pass()
})

test('the wheel gives what the heap gives, whenever events come and however far off they are', (t) => {
  const delay = fc.oneof(
    fc.constantFrom(0, 0.25, 0.5, 16_383.75, 16_384),
    fc.double({ min: 0, max: 2, noNaN: true }),
    fc.nat(70_000)
  )
  fc.assert(
    fc.property(fc.array(fc.array(delay, { maxLength: 6 }), { maxLength: 40 }), (steps) => {
      const [heap, wheel] = [new EventHeap<number>(), new EventWheel<number>()]
      let count = 0
      for (const step of [[0], ...steps]) {
        for (const ms of step) {
          count++
          for (const events of [heap, wheel]) events.push(heap.time + ms, 1, count)
        }
        const [one, other] = [heap.pop(), wheel.pop()]
        if (one !== other) return false
        if (one && (heap.time !== wheel.time || heap.payload !== wheel.payload)) return false
      }
      while (heap.pop()) if (!wheel.pop() || heap.time !== wheel.time || heap.payload !== wheel.payload) return false
      return !wheel.pop()
    }),
    { seed: 20261130, numRuns: 300 }
  )
  t.pass()
})

test('every workload has the rate and the mean service that it was asked for', (t) => {
  for (const service of ['exponential', 'bimodal', 'heavy'] as const) {
    for (const arrivals of ['poisson', 'bursty', 'trace'] as const) {
      const random = new SeededRandom(7)
      const options = { functions: 500, zipf: 1, rate: 2, serviceMs: 100, service, arrivals }
      const workload = new Workload(options, () => random.next())
      let [count, work, end] = [0, 0, 0]
      while (end < 60_000) {
        const arrival = workload.next()
        for (let timer = workload.timer(arrival.at); timer !== undefined; timer = workload.timer(arrival.at)) {
          count++
          work += timer.service
        }
        count++
        work += arrival.service
        end = arrival.at
      }
      const [rate, mean] = [count / end, work / count]
      t.true(Math.abs(rate - 2) < 0.25, `${service} ${arrivals}: rate ${rate}`)
      t.true(Math.abs(mean - 100) < 12, `${service} ${arrivals}: mean ${mean}`)
    }
  }
})

test('a plot is a whole SVG whatever the values', (t) => {
  const svg = svgOf({ title: 'a < b', unit: 'x', groups: [{ name: 'g', bars: [{ name: 'n', value: 0 }] }], logarithmic: true })
  t.true(svg.startsWith('<svg ') && svg.endsWith('</svg>\n') && svg.includes('a &lt; b') && !svg.includes('NaN'))
})
