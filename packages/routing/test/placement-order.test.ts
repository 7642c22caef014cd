import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { ORDER_LENGTH, USUAL_IDLE_MIN, USUAL_MS } from '../src/constants.ts'
import { BeaconTable, PeerLoad, PlacementOrder, ReportBoard, type Told } from '../src/index.ts'
import { hashOf, rendezvousWeight } from '../src/rendezvous.ts'

const RUNS = { seed: 20261130, numRuns: 200 }

function told(node: string, sequence: number, idle: [string, number][], at: number): Told {
  return {
    node,
    boot: 1,
    sequence,
    slots: 8,
    busy: 2,
    inFlight: 2,
    latencyMs: 5,
    draining: false,
    idle: new Map(idle),
    failing: [],
    at
  }
}

test('an order is the beginning of all nodes by their weight', (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 8 }), { maxLength: 120 }),
      fc.string({ maxLength: 8 }),
      (nodes, revision) => {
        const order = new PlacementOrder()
        for (const node of nodes) order.add(node)
        const weight = (node: string) => rendezvousWeight(hashOf(node), hashOf(revision))
        const expected = [...nodes].sort((a, b) => weight(b) - weight(a)).slice(0, ORDER_LENGTH)
        const seen = order.of(revision).map(({ node }) => node)
        return JSON.stringify(seen.map(weight)) === JSON.stringify(expected.map(weight)) && new Set(seen).size === seen.length
      }
    ),
    RUNS
  )
  t.pass()
})

test('an order does not depend on how many are kept', (t) => {
  const [few, many] = [new PlacementOrder(2), new PlacementOrder()]
  for (let node = 0; node < 100; node++) for (const order of [few, many]) order.add(`node-${node}`)
  for (let turn = 0; turn < 60; turn++) {
    const revision = `revision-${(turn * 7) % 11}`
    t.deepEqual(
      few.of(revision).map(({ node }) => node),
      many.of(revision).map(({ node }) => node)
    )
  }
})

test('what there usually is fades from report to report, whatever came, went, restarted and was taken over', (t) => {
  const revisions = ['r', 's', 't']
  const nodes = ['a', 'b', 'c']
  const counts = fc.array(fc.tuple(fc.constantFrom(...revisions), fc.integer({ min: 1, max: 9 })), { maxLength: 3 })
  const step = fc.tuple(fc.constantFrom(...nodes), fc.option(counts), fc.integer({ min: 0, max: 4_000 }), fc.boolean())
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const board = new ReportBoard()
      const other = new ReportBoard(board.usualIdle)
      const expected = new Map<string, { at: number; boot: number; usual: Map<string, number> }>()
      let [now, boot] = [0, 1]
      for (const [index, [node, idle, ms, restarts]] of steps.entries()) {
        now += ms
        if (restarts) boot++
        if (idle === null) {
          for (const one of [board, other]) one.remove(node)
          expected.delete(node)
          continue
        }
        const said = { ...told(node, index + 1, idle, now), boot }
        const report = board.put(said)
        if (report !== undefined) other.take(report)
        const before = expected.get(node)
        const kept = before?.boot === boot ? 2 ** -((now - before.at) / USUAL_MS) : 0
        const usual = new Map<string, number>()
        for (const revision of revisions) {
          const [was, is] = [kept === 0 ? undefined : before?.usual.get(revision), said.idle.get(revision)]
          const value = was === undefined ? is : (is ?? 0) + (was - (is ?? 0)) * kept
          if (value !== undefined && (is !== undefined || value >= USUAL_IDLE_MIN)) usual.set(revision, value)
        }
        expected.set(node, { at: now, boot, usual })
      }
      const same = nodes.every((node) =>
        revisions.every((revision) => {
          const [seen, wanted] = [board.usualIdle.of(revision)?.get(node)?.count, expected.get(node)?.usual.get(revision)]
          return (seen === undefined) === (wanted === undefined) && Math.abs((seen ?? 0) - (wanted ?? 0)) < 1e-9
        })
      )
      return same && other.busy === board.busy && other.slots === board.slots && other.hotShare() === board.hotShare()
    }),
    RUNS
  )
  t.pass()
})

test('a table that shares a board knows the same whether it is swept or not', (t) => {
  const shared = { board: new ReportBoard(), order: new PlacementOrder() }
  const nodes = Array.from({ length: 20 }, (_, index) => `node-${index}`)
  for (const node of nodes) shared.order.add(node).known = new PeerLoad(node)
  const [swept, left] = [new BeaconTable('self', shared), new BeaconTable('self', shared)]
  const random = new SeededRandom(5)
  const draw = () => nodes[Math.floor(random.next() * nodes.length)] as string
  const under: string[] = []
  for (let turn = 1; turn < 3_000; turn++) {
    const node = draw()
    const kind = random.next()
    if (kind < 0.3) {
      const report = shared.board.put(told(node, turn, [['r', 1]], turn))
      if (report !== undefined) shared.order.get(node)?.known?.take(report)
    } else if (kind < 0.6) {
      under.push(node)
      for (const table of [swept, left]) table.sent(node, 'r')
    } else if (under.length > 0) {
      const at = under.shift() as string
      const hint = { boot: 1, sequence: turn, slots: 8, busy: 3, inFlight: 3, latencyMs: 5, idle: 2 }
      for (const table of [swept, left]) {
        table.settled(at, 'r', 'answered', turn)
        table.hint(at, 'r', hint, turn)
      }
    }
    if (turn % 7 === 0) swept.sweep()
    const look = draw()
    const usual = shared.board.usualIdle.of('r')
    const seen = [swept, left].map((table) => {
      const peer = table.get(look)
      return [peer?.load(turn, 0.5), peer?.idle('r', usual), peer?.mine, peer?.open(turn)]
    })
    t.deepEqual(seen[0], seen[1])
  }
})

test('room for a call is what the load says, rounded', (t) => {
  const whole = (max: number) => fc.integer({ min: 0, max })
  fc.assert(
    fc.property(
      whole(64),
      whole(64),
      whole(5_000),
      fc.double({ min: 0, max: 1, noNaN: true }),
      whole(20),
      (slots, busy, age, mean, mine) => {
        const peer = new PeerLoad('a')
        const board = new ReportBoard()
        const report = board.put({ ...told('a', 1, [], 0), slots, busy: Math.min(busy, slots) })
        if (report !== undefined) peer.take(report)
        peer.mine = mine
        peer.mineSince = Math.min(mine, 7)
        return peer.hasRoom(age, mean) === Math.round(peer.load(age, mean)) < slots
      }
    ),
    RUNS
  )
  t.pass()
})
