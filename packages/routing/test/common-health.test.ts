import type { Beacon } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import { CommonHealth } from '../src/common-health.ts'
import { BeaconTable, pick } from '../src/index.ts'

const NODES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
const REVISION = 'rev-1'

/** A mesh as one node without slots sees it: `say` is what peers say of each other, `asked` how many of a thousand calls would go to a node. */
class Seen {
  readonly table = new BeaconTable('self')
  readonly #random = new SeededRandom(7)
  #sequence = 0

  constructor() {
    for (const node of NODES) this.table.add(node)
    this.say(0, {})
  }

  /** @param bootOfA a later one is a later life of node a */
  say(now: number, failing: Record<string, string[]>, bootOfA = 1): void {
    this.#sequence++
    for (const node of NODES) {
      const beacon: Beacon = {
        node,
        boot: node === 'a' ? bootOfA : 1,
        sequence: this.#sequence,
        slots: 100,
        busy: 10,
        inFlight: 0,
        idle: new Map([[REVISION, 5]]),
        latencyMs: 0,
        draining: false,
        failing: failing[node] ?? []
      }
      this.table.observe(beacon, now)
    }
  }

  asked(node: string, now: number): number {
    const self = { node: 'self', slots: 0, busy: 0, draining: false, idle: 0 }
    const request = { revisionId: REVISION, refused: new Set<string>() }
    let count = 0
    for (let turn = 0; turn < 1_000; turn++) {
      if (pick(this.table, self, request, () => this.#random.next(), now)?.node === node) count++
    }
    return count
  }
}

test('a node that fails for three others is left alone by who never called it, and for two it is not', (t) => {
  const seen = new Seen()
  seen.say(250, { b: ['a'], c: ['a'] })
  t.true(seen.asked('a', 260) > 50)
  seen.say(500, { b: ['a'], c: ['a'], d: ['a'] })
  t.is(seen.asked('a', 510), 0)
  t.is(seen.asked('b', 510) > 50, true, 'the others take its calls')
})

test('it is avoided for two seconds, gets a few calls, and all of them when nobody says more of it', (t) => {
  const seen = new Seen()
  seen.say(500, { b: ['a'], c: ['a'], d: ['a'] })
  t.is(seen.asked('a', 510), 0)
  seen.say(1_500, {})
  t.is(seen.asked('a', 1_550), 0)
  seen.say(2_500, {})
  const trial = seen.asked('a', 2_600)
  seen.say(3_600, {})
  const whole = seen.asked('a', 3_700)
  t.true(trial > 0 && trial < 0.7 * whole, `${trial} of ${whole}`)
})

test('who fails again while it is tried is avoided twice as long, and two who say so are enough', (t) => {
  const seen = new Seen()
  seen.say(500, { b: ['a'], c: ['a'], d: ['a'] })
  t.is(seen.asked('a', 510), 0)
  seen.say(2_550, { e: ['a'], f: ['a'] })
  t.is(seen.asked('a', 2_600), 0)
  seen.say(4_700, {})
  t.is(seen.asked('a', 4_800), 0, 'after two seconds it was not tried again')
  seen.say(6_700, {})
  t.true(seen.asked('a', 6_800) > 0)
})

test('a node that was started anew is not avoided for what it was before', (t) => {
  const seen = new Seen()
  seen.say(500, { b: ['a'], c: ['a'], d: ['a'] })
  t.is(seen.asked('a', 510), 0)
  seen.say(700, {}, 2)
  t.true(seen.asked('a', 760) > 50)
})

test('where more than a third fails, or those who say so fell silent, nobody is avoided', (t) => {
  const many = new Seen()
  const four = ['a', 'b', 'c', 'd']
  many.say(500, { e: four, f: four, g: four })
  for (const node of four) t.true(many.asked(node, 510) > 0, node)
  const silent = new Seen()
  silent.say(500, { b: ['a'], c: ['a'], d: ['a'] })
  for (const node of ['b', 'c', 'd']) silent.table.remove(node)
  t.true(silent.asked('a', 510) > 0, 'they went away before it was looked at')
})

test('names that come and go are not kept, also where nobody asks for a node', (t) => {
  const health = new CommonHealth()
  let before: string[] = []
  for (let turn = 0; turn < 1_000; turn++) {
    const now = Array.from({ length: 64 }, (_, index) => `${turn}-${index}`)
    health.tell('a', before, now, turn)
    before = now
  }
  t.is(health.size, 64)
  health.tell('a', before, [], 1_000)
  t.is(health.size, 0)
})

test('a call that failed is told to others until one succeeds, for a second at most', (t) => {
  const { table } = new Seen()
  const call = (how: 'failed' | 'answered', now: number) => {
    table.sent('a', REVISION)
    table.settled('a', REVISION, how, now)
  }
  call('failed', 100)
  t.deepEqual(table.failing(200), ['a'])
  t.deepEqual(table.failing(1_200), [])
  call('failed', 2_000)
  call('answered', 2_100)
  t.deepEqual(table.failing(2_200), [])
  for (let turn = 0; turn < 3; turn++) call('failed', 3_000)
  t.deepEqual(table.failing(3_400), ['a'], 'ejected')
})

test('what a function can bring about ejects a peer here, and is not told to others', (t) => {
  const { table } = new Seen()
  for (let turn = 0; turn < 3; turn++) {
    table.sent('a', REVISION)
    table.settled('a', REVISION, 'lost', 100)
    table.sent('b', `rev-${turn}`)
    table.settled('b', `rev-${turn}`, 'unable', 100)
  }
  t.true(table.get('a')?.health.ejected(200))
  t.deepEqual(table.failing(200), [])
})
