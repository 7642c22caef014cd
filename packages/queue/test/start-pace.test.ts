import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { PRESSED_MIN, PRESSED_STARTS_PER_SECOND, PRESSED_STARTS_SHARE, RUNS_BURST_MAX } from '../src/constants.ts'
import { StartPace } from '../src/start-pace.ts'
import { answer, orderOf, TestMesh } from './_nodes.ts'

/** How many start at once. */
function startsAt(pace: StartPace, arriving: number, now: number, wanted = 10_000): number {
  let starts = 0
  while (starts < wanted && pace.mayStart(arriving, now)) {
    pace.started()
    starts++
  }
  return starts
}

test('without a rush everything that waits may start', (t) => {
  t.is(startsAt(new StartPace(), PRESSED_MIN - 1, 0), 10_000)
})

test('in a rush so many start at once as were saved up, and then at a rate', (t) => {
  const pace = new StartPace()
  t.is(startsAt(pace, PRESSED_MIN, 0), RUNS_BURST_MAX)
  t.is(startsAt(pace, PRESSED_MIN, 0), 0)
  let starts = 0
  for (let now = 10; now <= 1_000; now += 10) starts += startsAt(pace, PRESSED_MIN, now)
  t.is(starts, PRESSED_STARTS_PER_SECOND)
})

test('in a rush a share of what is accepted starts', (t) => {
  const pace = new StartPace()
  startsAt(pace, PRESSED_MIN, 0)
  let starts = 0
  for (let count = 0; count < 1_000; count++) {
    pace.accepted()
    starts += startsAt(pace, PRESSED_MIN, 0)
  }
  t.is(starts, 1_000 * PRESSED_STARTS_SHARE)
})

test('what was not used in an hour starts no crowd', (t) => {
  const pace = new StartPace()
  t.is(startsAt(pace, PRESSED_MIN, 3_600_000), RUNS_BURST_MAX)
})

test('a rush is taken in first, and all of it runs afterwards', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.options = { runsMax: 4_096 }
  const a = await mesh.up('a')
  const count = 4_000
  let accepted = 0
  let startedBy = 0
  for (let index = 0; index < count; index++) {
    const order = orderOf(`00000000-0000-4000-8000-${index.toString().padStart(12, '0')}`)
    void a.queue.accept(order).then(() => {
      if (++accepted === count / 2) startedBy = mesh.started.length
    })
  }
  while (accepted < count) await mesh.clock.advance(1)
  // Without a pace it is as many as are in.
  t.true(startedBy <= count / 4, `${startedBy} started when half of ${count} were in`)
  for (let turn = 0; turn < 100 && a.queue.stats().events > 0; turn++) await mesh.clock.advance(50)
  t.is(mesh.started.length, count)
  t.is(a.queue.stats().settled.succeeded, count)
})
