import { VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { type Bench, type Defined, start } from './_instances.ts'

const SOURCE = `exports.handler = async (event) => {
    if (event.wait) await new Promise((r) => setTimeout(r, event.wait))
    if (event.hang) { console.log('hangs'); while (true); }
    return event.i
  }`

/** Longer than any test: what waits so long ends with it. */
const FOREVER_MS = 15_000

/** Two functions that have shown that they compute little, with an instance each in the same process. */
async function neighbours(t: ExecutionContext): Promise<{ bench: Bench; clock: VirtualClock; one: Defined; other: Defined }> {
  const clock = new VirtualClock()
  const bench = await start(t, { clock, executorsPerAccountMax: 1 })
  const one = bench.define(SOURCE, { name: 'one' })
  const other = bench.define(SOURCE, { name: 'other' })
  const processes = () => new Set(bench.instances.list().map(({ executor }) => executor)).size
  const shared = () => bench.instances.list().length === 2 && processes() === 1
  for (let call = 0; call < 30 || !shared(); call++) for (const fn of [one, other]) await fn.result({ i: call })
  return { bench, clock, one, other }
}

function namesOf({ instances }: Bench): string[] {
  return instances
    .list()
    .map(({ instance }) => instance)
    .sort()
}

test.serial('a call that only waits holds up no other function in its process', async (t) => {
  const { bench, clock, one, other } = await neighbours(t)
  const before = namesOf(bench)
  void one.call({ wait: FOREVER_MS })
  const answer = other.result({ i: 7 })
  await clock.advance(1)
  t.is((await answer).json, 7)
  t.deepEqual(namesOf(bench), before)
  t.is(bench.instances.busy, 1)
})

test.serial('a process whose calls only wait is not taken for one that does not come back', async (t) => {
  const { bench, clock, one, other } = await neighbours(t)
  // A second instance of the same function, idle afterwards.
  const two = await Promise.all([one.result({ i: 1 }), one.result({ i: 2 })])
  t.deepEqual(
    two.map(({ json }) => json),
    [1, 2]
  )
  const before = namesOf(bench)
  void one.call({ wait: FOREVER_MS })
  // By then it was looked at, what had come in was read, and it was asked; the other's answer comes after that to the question.
  const answer = clock.advance(101).then(() => other.result({ i: 3 }))
  t.is((await answer).json, 3)
  await clock.advance(1_000)
  t.is((await other.result({ i: 4 })).json, 4)
  t.deepEqual(namesOf(bench), before)
})

test.serial('one that waited and then computes for ever does so on a thread of its own', async (t) => {
  const { bench, clock, one, other } = await neighbours(t)
  const before = namesOf(bench)
  void one.call({ wait: 100, hang: true })
  const answer = other.result({ i: 7 })
  await clock.advance(1)
  t.is((await answer).json, 7)
  while (!bench.lines.some(({ message }) => message.includes('hangs'))) await new Promise(setImmediate)
  for (let call = 0; call < 20; call++) t.is((await other.result({ i: call })).json, call)
  t.deepEqual(namesOf(bench), before)
})
