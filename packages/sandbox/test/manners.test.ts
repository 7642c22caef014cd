import test from 'ava'
import { Manners } from '../src/manners.ts'

const SHORT_US = 100
const LONG_US = 6_000
const SLOW_US = 21_000

test('a version is entered on a thread of its own until five calls in a row were short', (t) => {
  const manners = new Manners()
  t.is(manners.of('r'), 'unknown')
  for (let call = 0; call < 4; call++) t.is(manners.note('r', SHORT_US), 'unknown')
  t.is(manners.note('r', LONG_US), 'unknown', 'a longer one starts the count anew')
  for (let call = 0; call < 4; call++) t.is(manners.note('r', SHORT_US), 'unknown')
  t.is(manners.note('r', SHORT_US), 'short')
  t.is(manners.of('other'), 'unknown')
})

test('a slow stretch sends it away for eight times as many short calls, each time', (t) => {
  const manners = new Manners()
  manners.of('r')
  for (let call = 0; call < 5; call++) manners.note('r', SHORT_US)
  t.is(manners.note('r', LONG_US), 'short', 'longer is not yet slow')
  for (const proof of [40, 320]) {
    t.is(manners.note('r', SLOW_US), 'slow')
    t.is(manners.of('r', 'short'), 'slow', 'whatever another executor found')
    for (let call = 1; call < proof; call++) t.is(manners.note('r', SHORT_US), 'slow')
    t.is(manners.note('r', SHORT_US), 'short')
  }
})

test('long good conduct makes the next proof shorter again', (t) => {
  const manners = new Manners()
  manners.of('r')
  for (let call = 0; call < 5; call++) manners.note('r', SHORT_US)
  manners.note('r', SLOW_US)
  for (let call = 0; call < 40 + 20_000; call++) manners.note('r', SHORT_US)
  t.is(manners.note('r', SLOW_US), 'slow')
  for (let call = 0; call < 40; call++) manners.note('r', SHORT_US)
  t.is(manners.of('r'), 'short', 'forty again, not 320')
})

test('what another executor found out counts where nothing is known', (t) => {
  const manners = new Manners()
  t.is(manners.of('a', 'short'), 'short')
  t.is(manners.of('b', 'slow'), 'slow')
  manners.note('c', SHORT_US)
  t.is(manners.of('c', 'short'), 'short')
})
