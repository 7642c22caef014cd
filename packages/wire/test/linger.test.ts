import test from 'ava'
import { Linger } from '../src/index.ts'

function fixture() {
  let now = 0
  let scheduled: (() => void)[] = []
  const linger = new Linger({
    now: () => now,
    schedule: (run) => scheduled.push(run),
    lingerMs: 0.2,
    gapMsMin: 0.03,
    gapMsMax: 1
  })
  return {
    linger,
    /** Moves on and turns the loop once; says whether it is still awake. */
    turn(ms: number): boolean {
      now += ms
      const due = scheduled
      scheduled = []
      for (const run of due) run()
      return scheduled.length > 0
    },
    touch(ms: number): boolean {
      now += ms
      linger.touch()
      return scheduled.length > 0
    }
  }
}

test('rare messages never keep it awake', (t) => {
  const { touch } = fixture()
  for (let count = 0; count < 5; count++) t.false(touch(1.5))
})

/** The first eight messages of a quick exchange. */
function warm(touch: (ms: number) => boolean): void {
  touch(5)
  for (let count = 0; count < 7; count++) touch(0.3)
}

test('messages in quick succession keep it awake until the pause is too long', (t) => {
  const { touch, turn } = fixture()
  warm(touch)
  t.true(touch(0.3))
  t.true(turn(0.1))
  touch(0.05)
  t.true(turn(0.19), 'each message counts anew')
  t.false(turn(0.02))
  t.true(touch(0.3), 'and it wakes again')
})

test('a few lone messages are chance, not an exchange', (t) => {
  const { touch } = fixture()
  warm(touch)
  touch(0.01)
  for (let count = 0; count < 7; count++) t.false(touch(0.3))
  t.true(touch(0.3))
})

test('a burst ends it: it is busy by itself', (t) => {
  const { touch, turn } = fixture()
  warm(touch)
  t.true(touch(0.3))
  touch(0.01)
  t.false(turn(0))
})
