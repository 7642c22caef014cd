import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { Holders } from '../src/holders.ts'

/** A mesh of nodes that are named `MACHINE.FRONT`, as the first of them sees it. */
function holdersOf(names: readonly string[], wanted: number): Holders {
  const network = new MemoryNetwork(new SeededRandom(1))
  const [mesh] = names.map((name) => network.join(name))
  if (mesh === undefined) throw new Error('no names')
  const machineOf = (peerId: string) => peerId.split('.')[0] as string
  return new Holders(wanted, { mesh, clock: new VirtualClock(), logger: new MemoryLogger(), machineOf })
}

test('copies are on as many machines as there are; those of the owner come last', (t) => {
  t.deepEqual(holdersOf(['a.1', 'a.2', 'a.3', 'b.1'], 1).choose(), ['b.1'])
  const two = holdersOf(['a.1', 'a.2', 'b.1', 'b.2', 'c.1'], 2).choose()
  t.deepEqual(two.map((name) => name[0]).sort(), ['b', 'c'])
  t.is(holdersOf(['a.1', 'a.2'], 1).choose()[0], 'a.2', 'what survives the process is better than nothing')
  t.deepEqual(holdersOf(['a.1', 'a.2', 'b.1'], 1).choose(['a.2']), ['a.2'], 'a copy that is there is not made again')
})

test('property: no machine holds two copies while another holds none', (t) => {
  const fronts = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 2, max: 5 })), {
    maxLength: 12,
    selector: (front) => front.join('.')
  })
  fc.assert(
    fc.property(fronts, fc.integer({ min: 0, max: 5 }), (others, wanted) => {
      const chosen = holdersOf(['a.1', ...others.map((front) => front.join('.'))], wanted).choose()
      const machines = new Set(others.map(([machine]) => machine).filter((machine) => machine !== 'a'))
      const used = new Set(chosen.map((name) => name[0] as string).filter((machine) => machine !== 'a'))
      t.is(chosen.length, Math.min(wanted, others.length))
      t.is(new Set(chosen).size, chosen.length)
      t.is(used.size, Math.min(wanted, machines.size))
    })
  )
})
