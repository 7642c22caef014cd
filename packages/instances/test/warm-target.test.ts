import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import { DemandTrend, instancesFor } from '../src/demand-trend.ts'
import { PeriodicBursts } from '../src/periodic-bursts.ts'
import { WarmDemand } from '../src/warm-target.ts'

test('without calls nothing is wanted, and long after them neither', (t) => {
  const demand = new WarmDemand(0)
  t.is(demand.target(10_000, 100).instances, 0)
  for (let at = 10_000; at < 15_000; at += 10) demand.arrived(at, 1)
  demand.served(200)
  t.true(demand.target(15_000, 100).instances > 10)
  t.is(demand.target(60_000, 100).instances, 0)
})

test('a steady load wants what it offers and a little more', (t) => {
  const trend = new DemandTrend(0)
  trend.served(100)
  for (let at = 0; at < 20_000; at += 10) trend.arrived(at)
  const load = trend.load(20_000, 2_000)
  t.true(load > 9.5 && load < 10.5, `${load}`)
  t.is(instancesFor(load), 14)
})

test('a rising load is met before it is there', (t) => {
  const demand = new WarmDemand(0)
  demand.served(500)
  let missed = 0
  // Ten calls a second more every second.
  for (let second = 1; second <= 20; second++) {
    const perSecond = second * 10
    const wanted = demand.target(second * 1_000, 1_000).instances
    if (second > 5 && wanted < perSecond * 0.5) missed++
    for (let call = 0; call < perSecond; call++) demand.arrived(second * 1_000 + (call * 1_000) / perSecond, 1)
  }
  t.is(missed, 0)
})

test('what the node allows is the bound', (t) => {
  const demand = new WarmDemand(0)
  demand.served(10_000)
  for (let at = 0; at < 5_000; at += 10) demand.arrived(at, 100)
  t.is(demand.target(5_000, 7).instances, 7)
})

test('bursts by the clock are expected shortly before they come, as large as they were', (t) => {
  const bursts = new PeriodicBursts()
  for (let minute = 0; minute < 5; minute++) {
    for (let call = 0; call < 3; call++) bursts.arrived(minute * 60_000 + call * 20 + minute * 30, call + 1)
  }
  const expected = bursts.expected(290_000)
  t.is(expected?.atOnce, 3)
  t.true((expected?.from as number) < 300_120 && (expected?.from as number) > 298_000)
  t.true((expected?.until as number) > 300_120)
  const demand = new WarmDemand(0)
  for (let minute = 0; minute < 5; minute++) demand.arrived(minute * 60_000, 1)
  t.is(demand.target(250_000, 10).instances, 0)
  t.deepEqual(demand.target(299_500, 10), { instances: 1, reason: 'periodic' })
})

test('a burst that does not come twice is not expected again', (t) => {
  const bursts = new PeriodicBursts()
  for (let minute = 0; minute < 5; minute++) bursts.arrived(minute * 60_000, 1)
  t.not(bursts.expected(299_000), undefined)
  t.not(bursts.expected(359_500), undefined)
  t.is(bursts.expected(480_000), undefined)
})

test('calls at random moments have no period', (t) => {
  const random = new SeededRandom(3)
  const bursts = new PeriodicBursts()
  let expected = 0
  for (let at = 0, call = 0; call < 500; call++) {
    at += 3_000 - Math.log(1 - random.next()) * 60_000
    bursts.arrived(at, 1)
    if (bursts.expected(at + 1) !== undefined) expected++
  }
  t.true(expected < 5, `${expected} of 500`)
})
