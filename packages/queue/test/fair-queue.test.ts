import test from 'ava'
import { PAUSE_MS_MIN } from '../src/constants.ts'
import { FairQueue } from '../src/fair-queue.ts'

interface Item {
  readonly account: string
  readonly lane: string
  readonly name: string
}

const itemOf = (lane: string, account = 'a', name = lane): Item => ({ account, lane, name })

/** Takes all that may run now. */
function takeAll(fair: FairQueue<Item>, now: number): Item[] {
  const taken: Item[] = []
  for (let item = fair.next(now); item !== undefined; item = fair.next(now)) taken.push(item)
  return taken
}

test('lanes that find no room take nothing from the share of one that does', (t) => {
  const fair = new FairQueue<Item>(16)
  for (let lane = 0; lane < 40; lane++) fair.add(itemOf(`full ${lane}`))
  for (let asked = 0; asked < 40; ) {
    for (const item of takeAll(fair, 0)) {
      fair.refused(item, 0)
      asked++
    }
  }
  for (let item = 0; item < 30; item++) fair.add(itemOf('fine', 'b'))
  t.deepEqual(
    takeAll(fair, 1).map(({ lane }) => lane),
    Array(12).fill('fine')
  )
  t.is(fair.waiting, 40 + 18)
  // When they may try again, they are among those that want to run.
  const later = takeAll(fair, PAUSE_MS_MIN)
  t.is(later.filter(({ lane }) => lane.startsWith('full')).length, 4)
})

test('a lane that comes to its end leaves the turn with the next', (t) => {
  const fair = new FairQueue<Item>(1)
  for (const lane of ['a', 'b', 'c', 'd']) fair.add(itemOf(lane))
  fair.add(itemOf('a', 'a', 'a again'))
  const order: string[] = []
  for (let item = fair.next(0); item !== undefined; item = fair.next(0)) {
    order.push(item.name)
    fair.finished(item)
  }
  t.deepEqual(order, ['a', 'b', 'c', 'd', 'a again'])
})

test('accounts take turns, however many functions one of them has', (t) => {
  const fair = new FairQueue<Item>(1)
  for (let lane = 0; lane < 100; lane++) fair.add(itemOf(`f${lane}`, 'loud'))
  for (let item = 0; item < 3; item++) fair.add(itemOf('g', 'quiet'))
  const order: string[] = []
  for (let item = fair.next(0); item !== undefined; item = fair.next(0)) {
    order.push(item.account)
    fair.finished(item)
  }
  t.deepEqual(order.slice(0, 6), ['loud', 'quiet', 'loud', 'quiet', 'loud', 'quiet'])
})

test('runs of one account that do not end leave those of another places', (t) => {
  const fair = new FairQueue<Item>(64)
  for (let item = 0; item < 400; item++) fair.add(itemOf(`f${item % 40}`, 'loud'))
  t.is(takeAll(fair, 0).length, 56)
  fair.add(itemOf('g', 'quiet'))
  t.deepEqual(
    takeAll(fair, 0).map(({ account }) => account),
    ['quiet']
  )
})

test('of an address that several accounts send to, what waits is counted together', (t) => {
  const fair = new FairQueue<Item>(1)
  for (const account of ['a', 'a', 'b']) fair.add(itemOf('https://example.com', account))
  t.deepEqual(fair.depths(), [['https://example.com', 3]])
})
