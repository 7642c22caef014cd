import test from 'ava'
import { PAUSE_MS_MIN } from '../src/constants.ts'
import { FairQueue } from '../src/fair-queue.ts'

/** Takes all that may run now. */
function takeAll(fair: FairQueue<string>, now: number): string[] {
  const taken: string[] = []
  for (let item = fair.next(now); item !== undefined; item = fair.next(now)) taken.push(item)
  return taken
}

test('lanes that find no room take nothing from the share of one that does', (t) => {
  const fair = new FairQueue<string>(16)
  for (let lane = 0; lane < 40; lane++) fair.add(`full ${lane}`, `full ${lane}`)
  for (let asked = 0; asked < 40; ) {
    for (const lane of takeAll(fair, 0)) {
      fair.refused(lane, lane, 0)
      asked++
    }
  }
  for (let item = 0; item < 30; item++) fair.add('fine', 'fine')
  t.deepEqual(takeAll(fair, 1), Array(12).fill('fine'))
  t.is(fair.waiting, 40 + 18)
  // When they may try again, they are among those that want to run.
  const later = takeAll(fair, PAUSE_MS_MIN)
  t.is(later.filter((lane) => lane.startsWith('full')).length, 4)
})

test('a lane that comes to its end leaves the turn with the next', (t) => {
  const fair = new FairQueue<string>(1)
  for (const lane of ['a', 'b', 'c', 'd']) fair.add(lane, lane)
  fair.add('a', 'a again')
  const order: string[] = []
  for (let item = fair.next(0); item !== undefined; item = fair.next(0)) {
    order.push(item)
    fair.finished(item.slice(0, 1))
  }
  t.deepEqual(order, ['a', 'b', 'c', 'd', 'a again'])
})
