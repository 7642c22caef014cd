import test from 'ava'
import { Conduct, PROVEN_CALLS_MIN, RELEASE_CALLS_MIN } from '../src/conduct.ts'

function good(conduct: Conduct, id: string, times: number): string {
  for (let call = 0; call < times; call++) conduct.good(id)
  return conduct.of(id)
}

test('code that never ran is on probation until it has behaved for a hundred calls', (t) => {
  const conduct = new Conduct()
  t.is(conduct.of('a'), 'probation')
  t.is(good(conduct, 'a', PROVEN_CALLS_MIN - 1), 'probation')
  t.is(good(conduct, 'a', 1), 'proven')
  t.is(conduct.of('b'), 'probation')
})

test('an offence means quarantine, whatever was proven before, and a longer one each time', (t) => {
  const conduct = new Conduct()
  good(conduct, 'a', PROVEN_CALLS_MIN)
  conduct.offend('a')
  t.is(conduct.of('a'), 'quarantine')
  t.is(good(conduct, 'a', RELEASE_CALLS_MIN - 1), 'quarantine')
  t.is(good(conduct, 'a', 1), 'probation')
  conduct.offend('a')
  t.is(good(conduct, 'a', RELEASE_CALLS_MIN * 4 - 1), 'quarantine')
  t.is(good(conduct, 'a', 1), 'probation')
  t.is(good(conduct, 'a', PROVEN_CALLS_MIN), 'proven')
})

test('a flood of revisions does not make it forget who offended', (t) => {
  const conduct = new Conduct()
  conduct.offend('bad')
  for (let index = 0; index < 10_000; index++) conduct.good(`r${index}`)
  t.is(conduct.of('bad'), 'quarantine')
})
