import test from 'ava'
import { PER_ACCOUNT_MAX, PER_FUNCTION_MAX, PER_INSTANCE_MAX, PER_NODE_MAX } from '../src/limits.ts'
import { Places } from '../src/places.ts'

/** Requests of as many instances as it takes, none of which ever ends. */
function hang(places: Places, account: string, functions: number): number {
  const before = places.running
  const instances = PER_FUNCTION_MAX / PER_INSTANCE_MAX
  for (let at = 0; at < functions * PER_FUNCTION_MAX; at++) {
    const functionName = `f${at % functions}`
    const instance = `${account} ${functionName} ${Math.floor(at / functions) % instances}`
    places.take({ account, functionName, instance }, () => undefined)
  }
  return places.running - before
}

test('requests of one account that hang leave those of another places', (t) => {
  const places = new Places()
  t.is(hang(places, 'loud', 8), PER_ACCOUNT_MAX)
  let begun = false
  places.take({ account: 'quiet', functionName: 'f', instance: 'i' }, () => {
    begun = true
  })
  t.true(begun)
  t.is(hang(places, 'third', 8), PER_NODE_MAX - PER_ACCOUNT_MAX - 1)
})

test('a function has no more than its own, and what waits begins when one is given back', (t) => {
  const places = new Places()
  t.is(hang(places, 'one', 1), PER_FUNCTION_MAX)
  const order: string[] = []
  const asker = { account: 'one', functionName: 'f1', instance: 'i' }
  const giveBack = Array.from({ length: PER_INSTANCE_MAX }, () => places.take(asker, () => undefined))
  places.take(asker, () => order.push('waited'))
  t.deepEqual(order, [])
  giveBack[0]?.()
  t.deepEqual(order, ['waited'])
})
