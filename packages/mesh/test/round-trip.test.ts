import test from 'ava'
import { RoundTrip } from '../src/round-trip.ts'

test('a peer that was busy is no farther away; one that went away is, after a while', (t) => {
  const trip = new RoundTrip()
  t.is(trip.ms, undefined)
  for (const ms of [0.4, 12, 30, 9]) trip.add(ms)
  t.is(trip.ms, 0.4)
  for (let ping = 0; ping < 8; ping++) trip.add(25)
  t.is(trip.ms, 25)
})
