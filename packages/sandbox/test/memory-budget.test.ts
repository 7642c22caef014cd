import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'

setFlagsFromString('--expose-gc')
const collectNow = runInNewContext('gc') as (how?: object) => void

const LAST_RESORT = 'last-resort'
/** What each collection was asked for, and when it was waited. */
let asked: (string | undefined)[] = []
/** Objects that V8's compiler holds, and how many collections of the last resort it takes until it does not. */
let compiling: object[] = []
let resorts = 0

Object.assign(globalThis, {
  __peerlessCollect: (how?: { flavor: string }) => {
    asked.push(how?.flavor)
    if (how?.flavor === LAST_RESORT && --resorts <= 0) compiling = []
    // With an argument that is no object it would collect the young generation.
    how === undefined ? collectNow() : collectNow(how)
  }
})
// It takes the collector when it is loaded.
const { MemoryBudget } = await import('../src/guest/memory-budget.guest.ts')

const LOOKS = [undefined, LAST_RESORT, 'wait', LAST_RESORT, 'wait', LAST_RESORT]
const budgetOf = (bytesMax: number) => new MemoryBudget(bytesMax, () => asked.push('wait'))

/** A budget of 100 bytes, 80 of them of an object that only the compiler holds, made in an earlier job. */
async function compiled(resortsNeeded: number) {
  const budget = budgetOf(100)
  const hold = () => {
    const object = {}
    budget.hold(budget.reserve(80, 'memory'), object)
    compiling.push(object)
  }
  hold()
  await turn()
  asked = []
  resorts = resortsNeeded
  return budget
}

test.serial('what nobody holds is given back by an ordinary collection', async (t) => {
  const budget = await compiled(0)
  compiling = []
  budget.reserve(80, 'memory')
  t.deepEqual(asked, [undefined])
})

for (const needed of [1, 2, 3]) {
  test.serial(
    `what a compiler held until the ${needed}. collection of the last resort is given back within the same job`,
    async (t) => {
      const budget = await compiled(needed)
      budget.reserve(80, 'memory')
      t.deepEqual(asked, LOOKS.slice(0, needed * 2))
      t.is(budget.left, 20)
    }
  )
}

test.serial('what a function holds is not given back, and costs those who can do without one more look only', async (t) => {
  const budget = budgetOf(100)
  const object = {}
  budget.hold(budget.reserve(80, 'memory'), object)
  await turn()
  asked = []
  t.throws(() => budget.reserve(80, 'memory'), { instanceOf: RangeError, message: /80 of 100 bytes are reserved/ })
  t.deepEqual(asked, LOOKS)
  await turn()
  asked = []
  budget.makeRoom(50)
  t.deepEqual(asked, [undefined])
  t.is(budget.left, 20)
  t.deepEqual(object, {})
})

test.serial('room is made of what a compiler held', async (t) => {
  const budget = await compiled(1)
  budget.makeRoom(50)
  t.is(budget.left, 100)
})

test.serial('nothing is collected for what cannot fit', (t) => {
  const budget = budgetOf(100)
  budget.reserve(40, 'memory that nobody sees go')
  asked = []
  t.throws(() => budget.reserve(101, 'memory'), { instanceOf: RangeError })
  budget.makeRoom(70)
  t.deepEqual(asked, [])
})
