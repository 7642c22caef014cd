import test from 'ava'
import fc from 'fast-check'
import { placeWarm, type WarmNeed, type WarmNode } from '../src/index.ts'

const SEED = 20_261_129
const nodes = fc.uniqueArray(
  fc.record({ node: fc.string({ minLength: 1, maxLength: 8 }), slots: fc.integer({ min: 0, max: 64 }) }),
  {
    selector: ({ node }) => node,
    minLength: 1,
    maxLength: 20
  }
)
const needs = fc.uniqueArray(fc.record({ key: fc.uuid(), count: fc.integer({ min: 0, max: 100 }) }), {
  selector: ({ key }) => key,
  maxLength: 12
})

function placed(all: ReturnType<typeof placeWarm>, key: string): number {
  return [...all.values()].reduce((sum, holds) => sum + (holds.get(key) ?? 0), 0)
}

test('every instance that fits is placed once over the mesh, and no node has more of a revision than it can run', (t) => {
  fc.assert(
    fc.property(needs, nodes, (wanted, mesh) => {
      const slots = mesh.reduce((sum, node) => sum + node.slots, 0)
      const all = placeWarm(wanted, mesh)
      for (const { key, count } of wanted) t.is(placed(all, key), Math.min(count, slots))
      for (const { node, slots: own } of mesh) for (const count of (all.get(node) ?? new Map()).values()) t.true(count <= own)
    }),
    { seed: SEED }
  )
})

test('the order in which a node heard of needs and nodes makes no difference', (t) => {
  fc.assert(
    fc.property(needs, nodes, (wanted, mesh) => {
      const sorted = (all: ReturnType<typeof placeWarm>) =>
        [...all].sort().map(([node, holds]) => [node, [...holds].sort()] as const)
      t.deepEqual(sorted(placeWarm(wanted, mesh)), sorted(placeWarm(wanted.toReversed(), mesh.toReversed())))
    }),
    { seed: SEED }
  )
})

test('equal nodes hold at most a quarter more than their share', (t) => {
  fc.assert(
    fc.property(needs, fc.integer({ min: 2, max: 12 }), (wanted, count) => {
      const mesh = meshOf(count, 1_000)
      const total = wanted.reduce((sum, need) => sum + need.count, 0)
      for (const holds of placeWarm(wanted, mesh).values()) {
        const load = [...holds.values()].reduce((sum, one) => sum + one, 0)
        t.true(load <= Math.ceil((1.25 * total) / count), `${load} of ${total} at one of ${count}`)
      }
    }),
    { seed: SEED }
  )
})

test('when a node goes, what it held moves and most of the rest stays', (t) => {
  const wanted: WarmNeed[] = Array.from({ length: 40 }, (_, index) => ({ key: `revision-${index}`, count: 5 }))
  const mesh = meshOf(10, 64)
  const before = placeWarm(wanted, mesh)
  for (const gone of mesh) {
    const after = placeWarm(
      wanted,
      mesh.filter((node) => node !== gone)
    )
    let held = 0
    for (const count of (before.get(gone.node) ?? new Map<string, number>()).values()) held += count
    let moved = 0
    for (const [node, holds] of after) {
      for (const [key, count] of holds) moved += Math.max(0, count - (before.get(node)?.get(key) ?? 0))
    }
    t.true(moved >= held)
    t.true(moved <= held * 2, `${moved} of 200 moved for the ${held} of ${gone.node}`)
  }
})

function meshOf(count: number, slots: number): WarmNode[] {
  return Array.from({ length: count }, (_, index) => ({ node: `12D3KooWnode${index}`, slots }))
}
