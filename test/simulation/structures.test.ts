import test from 'ava'
import fc from 'fast-check'
import { CONNECTIONS_MAX, CONNECTIONS_WANTED_MAX } from '../../packages/mesh/src/constants.ts'
import { connectionsOf, DAEMON_CONNECTIONS } from './_connections.ts'
import { LeastTree } from './_least-tree.ts'

const RUNS = { seed: 20261130, numRuns: 300 }

test('the least of a tree is what a scan would find', (t) => {
  const value = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.POSITIVE_INFINITY))
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.tuple(fc.nat(39), value), { maxLength: 60 }),
      fc.nat(39),
      fc.array(fc.nat(39)),
      (count, changes, from, some) => {
        const tree = new LeastTree(count, 0)
        const values = new Array<number>(count).fill(0)
        for (const [at, value] of changes) {
          tree.set(at % count, value)
          values[at % count] = value
        }
        const least = Math.min(...values)
        const round = Array.from({ length: count }, (_, turn) => ((from % count) + turn) % count)
        const first = least === Number.POSITIVE_INFINITY ? undefined : round.find((index) => values[index] === least)
        const fits = new Set(some.filter((index) => (values[index] ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY))
        const found = tree.leastThat((index) => fits.has(index))
        const best = fits.size === 0 ? undefined : Math.min(...[...fits].map((index) => values[index] as number))
        return (
          tree.firstFrom(from % count) === first &&
          (found === undefined ? best === undefined : fits.has(found) && values[found] === best) &&
          values.every((value, index) => tree.get(index) === value)
        )
      }
    ),
    RUNS
  )
  t.pass()
})

test('a simulated mesh is connected as a daemon is', (t) => {
  t.deepEqual(DAEMON_CONNECTIONS, { wanted: CONNECTIONS_WANTED_MAX, max: CONNECTIONS_MAX })
})

test('connections go both ways, to each once, and are as many as a daemon wants and takes', (t) => {
  for (const nodes of [1, 2, 40, 65, 66, 400]) {
    const peers = connectionsOf(nodes, DAEMON_CONNECTIONS, 1)
    t.is(peers.length, nodes)
    const least = Math.min(nodes - 1, DAEMON_CONNECTIONS.wanted)
    for (const [self, others] of peers.entries()) {
      t.is(new Set(others).size, others.length)
      t.true(others.length >= least && others.length <= DAEMON_CONNECTIONS.max)
      t.true(others.every((other) => other !== self && peers[other]?.includes(self)))
    }
  }
  t.deepEqual(connectionsOf(300, DAEMON_CONNECTIONS, 4), connectionsOf(300, DAEMON_CONNECTIONS, 4))
})
