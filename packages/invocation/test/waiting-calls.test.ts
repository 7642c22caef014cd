import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import fc from 'fast-check'
import { type Waiting, WaitingCalls } from '../src/waiting-calls.ts'

interface Call extends Waiting {
  readonly id: number
}

const BOUNDS = { callsMax: 12, callsPerFunctionMax: 8, bytesMax: 1_000 }

function call(id: number, account: string, functionName: string, bytes = 1): Call {
  return { id, bytes, invocation: { account, functionName } }
}

function drained(line: WaitingCalls<Call>): number[] {
  const ids: number[] = []
  for (let next = line.shift(); next !== undefined; next = line.shift()) ids.push(next.id)
  return ids
}

test('a quiet account waits for one call of a loud one, and a quiet function for one of a loud one', (t) => {
  const line = new WaitingCalls<Call>(BOUNDS)
  for (const id of [1, 2, 3]) line.push(call(id, 'loud', 'a'))
  line.push(call(4, 'loud', 'b'))
  line.push(call(5, 'quiet', 'c'))
  t.deepEqual(drained(line), [1, 5, 4, 2, 3])
})

test('a call that is put back has the next turn', (t) => {
  const line = new WaitingCalls<Call>(BOUNDS)
  for (const id of [1, 2]) line.push(call(id, 'one', 'a'))
  line.push(call(3, 'two', 'b'))
  line.unshift(line.shift() as Call)
  t.deepEqual(drained(line), [1, 3, 2])
})

test('functions that are blocked are passed over', (t) => {
  const line = new WaitingCalls<Call>(BOUNDS)
  line.push(call(1, 'one', 'a'))
  line.push(call(2, 'one', 'b'))
  t.is(line.shift(new Set(['a']))?.id, 2)
  t.is(line.shift(new Set(['a'])), undefined)
  t.is(line.length, 1)
})

test('when all is full the loudest makes room for the quiet, with its newest call, and for nobody as loud', (t) => {
  const line = new WaitingCalls<Call>(BOUNDS)
  for (let id = 0; id < 8; id++) line.push(call(id, 'loud', 'a'))
  for (let id = 8; id < 12; id++) line.push(call(id, 'loud', 'b'))
  t.deepEqual(line.push(call(12, 'quiet', 'c')), { full: undefined, evicted: call(7, 'loud', 'a') })
  t.deepEqual(line.push(call(13, 'loud', 'b')), { full: '12 calls wait already' })
  t.is(line.length, 12)
})

test('a call that was taken is kept no longer, while others of its function wait', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const line = new WaitingCalls<Call>(BOUNDS)
  const taken: WeakRef<Call>[] = []
  const goThrough = () => {
    for (let id = 0; id < 100; id++) {
      line.push(call(id, 'one', 'a'))
      if (id > 0) taken.push(new WeakRef(line.shift() as Call))
    }
  }
  goThrough()
  return new Promise<void>((resolve) => {
    // A WeakRef holds what it refers to until the turn of the event loop ends.
    setImmediate(() => {
      collect()
      t.is(taken.filter((ref) => ref.deref() !== undefined).length, 0)
      t.is(line.length, 1)
      resolve()
    })
  })
})

test('bounds are per function and in bytes', (t) => {
  const line = new WaitingCalls<Call>(BOUNDS)
  for (let id = 0; id < 8; id++) line.push(call(id, 'one', 'a'))
  t.deepEqual(line.push(call(8, 'one', 'a')), { full: "8 calls of 'a' wait already" })
  t.deepEqual(line.push(call(9, 'one', 'b', 1_000)), { full: 'the calls that wait hold 8 bytes already' })
})

test('whatever is done, nothing is lost or doubled, a function keeps its order, and the bounds hold', (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), account: fc.nat(2), name: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('shift' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('back' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const), odd: fc.boolean() }) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const line = new WaitingCalls<Call>(BOUNDS)
      const inside = new Set<number>()
      let id = 0
      for (const one of steps) {
        if (one.do === 'push') {
          const next = call(id++, `account-${one.account}`, `name-${one.account}-${one.name}`)
          const queued = line.push(next)
          if (queued.full === undefined) inside.add(next.id)
          if (queued.full === undefined && queued.evicted !== undefined && !inside.delete(queued.evicted.id)) return false
        } else if (one.do === 'take') {
          for (const taken of line.take(({ id: each }) => each % 2 === (one.odd ? 1 : 0)))
            if (!inside.delete(taken.id)) return false
        } else {
          const next = line.shift()
          if ((next === undefined) !== (inside.size === 0)) return false
          if (next === undefined) continue
          if (one.do === 'back') line.unshift(next)
          else if (!inside.delete(next.id)) return false
        }
        if (line.length !== inside.size || line.length > BOUNDS.callsMax) return false
      }
      const last = new Map<string, number>()
      for (let next = line.shift(); next !== undefined; next = line.shift()) {
        const { functionName } = next.invocation
        if (!inside.delete(next.id) || (last.get(functionName) ?? -1) > next.id) return false
        last.set(functionName, next.id)
      }
      return inside.size === 0
    }),
    { seed: 11, numRuns: 500 }
  )
  t.pass()
})
