import type { Beacon } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { BeaconTable, beaconFromWire, beaconToWire, hintFromWire, type Pick, pick, type SelfLoad } from '../src/index.ts'

const REVISION = 'rev-1'
const FUZZ_SEED = 20261124

function self(over: Partial<SelfLoad> = {}): SelfLoad {
  return { node: 'self', slots: 4, busy: 0, draining: false, idle: 0, ...over }
}

function beacon(node: string, over: Partial<Beacon> = {}): Beacon {
  return {
    node,
    boot: 1,
    sequence: 1,
    slots: 4,
    busy: 0,
    inFlight: 0,
    idle: new Map(),
    latencyMs: 0,
    draining: false,
    failing: [],
    ...over
  }
}

function tableOf(...beacons: Beacon[]): BeaconTable {
  const table = new BeaconTable('self')
  for (const one of beacons) {
    table.add(one.node)
    table.observe(one, 0)
  }
  return table
}

function choose(table: BeaconTable, here: SelfLoad, now = 10, refused: string[] = [], seed = 1): Pick | undefined {
  const random = new SeededRandom(seed)
  return pick(table, here, { revisionId: REVISION, refused: new Set(refused) }, () => random.next(), now)
}

const idleOf = (count: number) => new Map([[REVISION, count]])

test('an idle instance here comes before anything else', (t) => {
  t.deepEqual(choose(tableOf(beacon('a', { idle: idleOf(9) })), self({ idle: 1, busy: 3 })), {
    node: 'self',
    reason: 'idle-here',
    onlyIdle: false
  })
})

test('idle peers are picked by chance, the more the more they have in store, not by who is idlest', (t) => {
  const table = tableOf(beacon('a', { idle: idleOf(1) }), beacon('b', { idle: idleOf(3) }))
  const random = new SeededRandom(7)
  let a = 0
  for (let turn = 0; turn < 2_000; turn++) {
    const picked = pick(table, self({ slots: 0 }), { revisionId: REVISION, refused: new Set() }, () => random.next(), 10)
    if (picked?.node === 'a') a++
  }
  // One to three, squared.
  t.true(a > 150 && a < 250, `${a} of 2000`)
})

test('what this node sent since the report uses up the idle instances it saw', (t) => {
  const table = tableOf(beacon('a', { idle: idleOf(1) }))
  t.is(choose(table, self({ slots: 0 }))?.reason, 'idle-peer')
  table.sent('a', REVISION)
  t.not(choose(table, self({ slots: 0 }))?.reason, 'idle-peer')
  table.hint('a', REVISION, { boot: 1, sequence: 2, slots: 4, busy: 0, inFlight: 0, latencyMs: 1, idle: 1 }, 20)
  t.is(choose(table, self({ slots: 0 }), 30)?.reason, 'idle-peer')
})

test('a stale claim of an idle instance is not believed', (t) => {
  const table = tableOf(beacon('a', { idle: idleOf(1) }))
  t.is(choose(table, self({ busy: 1 }), 1_400)?.reason, 'idle-peer')
  t.not(choose(table, self({ busy: 1 }), 1_600)?.reason, 'idle-peer')
})

test('a launch goes to one place for all who ask, and elsewhere when that carries more than its share', (t) => {
  const nodes = ['a', 'b', 'c', 'd']
  const loads = nodes.map((node) => beacon(node, { slots: 100, busy: 30 }))
  const homes = new Set([1, 2, 3, 4].map((seed) => choose(tableOf(...loads), self({ slots: 0 }), 10, [], seed)?.node))
  t.is(homes.size, 1, [...homes].join())
  const [home] = [...homes] as [string]
  const table = tableOf(...loads.map((load) => (load.node === home ? { ...load, busy: 90 } : load)))
  const other = choose(table, self({ slots: 0 }))
  t.is(other?.reason, 'launch-home')
  t.not(other?.node, home)
})

test('an idle instance elsewhere comes before a launch, and is asked for as such while others have one, too', (t) => {
  const one = tableOf(beacon('a', { idle: idleOf(1) }), beacon('b'))
  t.deepEqual(
    choose(one, self()),
    { node: 'a', reason: 'idle-peer', onlyIdle: false },
    'nobody else has one: it may as well launch there'
  )
  const two = tableOf(...['a', 'b', 'c', 'd'].map((node) => beacon(node, { idle: idleOf(2) })))
  const first = choose(two, self())
  t.like(first, { reason: 'idle-peer', onlyIdle: true })
  const second = choose(two, self(), 10, [first?.node ?? ''])
  t.like(second, { reason: 'idle-peer', onlyIdle: true })
  const third = choose(two, self(), 10, [first?.node ?? '', second?.node ?? ''])
  t.like(third, { reason: 'idle-peer', onlyIdle: false }, 'after two misses it may be launched')
})

test('of two with the same in store, the one that usually carries less is picked more often', (t) => {
  const table = tableOf(
    beacon('a', { slots: 100, busy: 60, idle: idleOf(5) }),
    beacon('b', { slots: 100, busy: 40, idle: idleOf(5) }),
    beacon('c', { slots: 100, busy: 50 })
  )
  const random = new SeededRandom(7)
  let b = 0
  for (let turn = 0; turn < 1_000; turn++) {
    const picked = pick(table, self({ slots: 0 }), { revisionId: REVISION, refused: new Set() }, () => random.next(), 10)
    if (picked?.node === 'b') b++
  }
  t.true(b > 750 && b < 990, `${b} of 1000`)
})

test('what there usually is outlives a moment without, and is forgotten when it does not come back', (t) => {
  const table = tableOf(beacon('a', { slots: 8, idle: idleOf(4) }))
  table.observe(beacon('a', { slots: 8, sequence: 2 }), 250)
  t.true((table.get('a')?.idle(REVISION, table.board.usualIdle.of(REVISION)) ?? 0) > 3)
  for (let turn = 3; turn < 60; turn++) table.observe(beacon('a', { slots: 8, sequence: turn }), 250 * turn)
  t.is(table.get('a')?.idle(REVISION, table.board.usualIdle.of(REVISION)), 0)
})

test('a hundred calls that peers answered are worth one instance here, and then a hundred more', (t) => {
  const table = tableOf(beacon('a', { idle: idleOf(9) }))
  const calls = (count: number, now: number) => {
    for (let turn = 0; turn < count; turn++) {
      table.sent('a', REVISION)
      table.settled('a', REVISION, 'answered', now)
    }
  }
  calls(99, 10)
  t.false(table.worthALaunch(REVISION))
  table.settled('a', REVISION, 'refused', 10)
  t.false(table.worthALaunch(REVISION), 'a refusal is no call that ran')
  calls(1, 10)
  t.true(table.worthALaunch(REVISION))
  t.false(table.worthALaunch(REVISION))
  calls(99, 20)
  calls(1, 600_000)
  t.false(table.worthALaunch(REVISION), 'calls of ten minutes ago count for a quarter')
})

test('near nodes that are full are judged by what near nodes carry, not by what the whole mesh does', (t) => {
  const near = ['a', 'b', 'c'].map((node) => beacon(node, { slots: 10, busy: 9, latencyMs: 10 }))
  const far = ['x', 'y', 'z'].map((node) => beacon(node, { slots: 10 }))
  const table = tableOf(...near, ...far)
  table.rezone((node) => (node > 'm' ? 40 : 1))
  t.is(table.meanShare(10, 10, false, 1_000), 37 / 40)
  t.is(table.meanShare(10, 10, true, 1_000), 0)
  const alone = tableOf(...near)
  t.is(alone.meanShare(10, 10, false, 1_000), 37 / 40)
})

test('three calls at once on nodes of one slot go to three nodes', (t) => {
  const table = tableOf(beacon('a', { slots: 1 }), beacon('b', { slots: 1 }))
  const nodes = new Set<string>()
  for (let call = 0; call < 3; call++) {
    const picked = choose(table, self({ slots: 1, busy: nodes.has('self') ? 1 : 0 }))
    if (picked === undefined) break
    nodes.add(picked.node)
    if (picked.node !== 'self') table.sent(picked.node, REVISION)
  }
  t.is(nodes.size, 3)
})

test('near peers come first; when they are full the far ones take over', (t) => {
  const far = beacon('far', { idle: idleOf(4) })
  for (const [busy, expected] of [
    [1, 'near'],
    [4, 'far']
  ] as const) {
    const table = tableOf(far, beacon('near', { busy }))
    table.rezone((node) => (node === 'far' ? 30 : 1))
    t.is(choose(table, self({ slots: 0 }), 0)?.node, expected)
  }
})

test('a report fades: old ones are taken for the mean, so that they draw nobody and repel nobody', (t) => {
  const table = tableOf(beacon('a', { slots: 100, busy: 100, latencyMs: 100 }))
  const peer = table.get('a')
  t.is(peer?.load(0, 0.5), 100)
  t.is(peer?.load(100, 0.5), 75)
  t.true((peer?.load(2_000, 0.5) ?? 0) < 50.001)
  for (let turn = 0; turn < 60; turn++) table.sent('a', REVISION)
  t.true((peer?.load(2_000, 0.5) ?? 0) >= 60, 'what this node has there is there for certain')
})

test('a refusal is final for this invocation', (t) => {
  t.is(choose(tableOf(beacon('a', { idle: idleOf(1) })), self({ slots: 0 }), 10, ['a']), undefined)
  t.is(choose(tableOf(), self({ idle: 1 }), 10, ['self']), undefined)
})

test('draining peers, full peers and a draining self get nothing', (t) => {
  t.is(choose(tableOf(beacon('a', { draining: true }), beacon('b', { busy: 4 })), self({ draining: true })), undefined)
})

test('a peer that fails three times in a row is left alone, twice as long each time, and gets one call at a time until one succeeds', (t) => {
  const table = tableOf(beacon('a', { slots: 8 }))
  const fail = (now: number) => {
    table.sent('a', REVISION)
    table.settled('a', REVISION, 'failed', now)
  }
  const asked = (now: number) => choose(table, self({ slots: 0 }), now)?.node
  for (let turn = 0; turn < 3; turn++) fail(10)
  t.is(asked(20), undefined)
  t.is(asked(600), 'a')
  table.sent('a', REVISION)
  t.is(asked(600), undefined, 'one call at a time')
  table.settled('a', REVISION, 'failed', 600)
  t.is(asked(1_500), undefined, 'the second ejection is longer')
  t.is(asked(1_700), 'a')
  table.settled('a', REVISION, 'answered', 1_700)
  table.sent('a', REVISION)
  t.is(asked(1_700), 'a')
})

test('a revision that a peer does not know, or could not run, is not asked of it for a moment; others are', (t) => {
  const table = tableOf(beacon('a', { slots: 8 }))
  const asked = (now: number, revisionId = REVISION) =>
    pick(table, self({ slots: 0 }), { revisionId, refused: new Set() }, () => 0.5, now)?.node
  const end = (how: 'unknown' | 'unable', now: number, revisionId = REVISION) => {
    table.sent('a', revisionId)
    table.settled('a', revisionId, how, now)
  }
  end('unknown', 10)
  t.is(asked(20), undefined)
  t.is(asked(20, 'rev-2'), 'a')
  t.is(asked(270), 'a')
  end('unable', 300)
  t.is(asked(1_200), undefined)
  t.is(asked(1_310), 'a')
})

test('a peer that cannot run three revisions at a time is failing; one that does not know them is not', (t) => {
  const table = tableOf(beacon('a', { slots: 8 }))
  const end = (how: 'unknown' | 'unable', now: number, revisionId: string) => table.settled('a', revisionId, how, now)
  for (let turn = 0; turn < 20; turn++) end('unknown', 10, `rev-${turn}`)
  for (let turn = 0; turn < 20; turn++) end('unable', 20, `rev-${turn % 2}`)
  t.is(table.get('a')?.health.held(30), 0, 'two may be the fault of the two')
  end('unable', 1_500, 'rev-2')
  t.is(table.get('a')?.health.held(1_510), 0, 'the others were a while ago')
  for (const revisionId of ['rev-0', 'rev-1', 'rev-3', 'rev-4']) end('unable', 1_600, revisionId)
  t.true(table.get('a')?.health.ejected(1_610))
})

test('a call that failed counts as load for a while: who fails fast does not look idle', (t) => {
  const table = tableOf(beacon('a', { busy: 1 }))
  table.sent('a', REVISION)
  table.settled('a', REVISION, 'failed', 10)
  t.is(table.get('a')?.load(10, 0.25), 2)
  t.is(table.get('a')?.load(2_000, 0.25), 1)
})

test('at most a third of the peers is ejected at once, and always one', (t) => {
  const nodes = ['a', 'b', 'c', 'd', 'e', 'f']
  const table = tableOf(...nodes.map((node) => beacon(node)))
  for (const node of nodes) for (let turn = 0; turn < 3; turn++) table.settled(node, REVISION, 'failed', 10)
  t.is(nodes.filter((node) => table.get(node)?.health.ejected(20)).length, 2)
  const alone = tableOf(beacon('a'))
  for (let turn = 0; turn < 3; turn++) alone.settled('a', REVISION, 'failed', 10)
  t.true(alone.get('a')?.health.ejected(20))
})

test('without fresh reports the peer with fewer own requests is tried', (t) => {
  const table = tableOf(beacon('a'), beacon('b'))
  table.sent('a', REVISION)
  t.deepEqual(choose(table, self({ slots: 0 }), 10_000), { node: 'b', reason: 'blind', onlyIdle: false })
})

test('an older report never replaces a newer one; a new boot does', (t) => {
  const table = tableOf(beacon('a', { sequence: 5, busy: 1 }))
  t.false(table.observe(beacon('a', { sequence: 4, busy: 3 }), 1))
  t.is(table.get('a')?.busy, 1)
  t.true(table.observe(beacon('a', { boot: 2, sequence: 1, busy: 2 }), 2))
  t.is(table.get('a')?.busy, 2)
})

test('whatever the loads, a pick is open: not refused, not draining, not known to be full', (t) => {
  const peer = fc.record({ slots: fc.nat(4), busy: fc.nat(4), idle: fc.nat(3), draining: fc.boolean(), refused: fc.boolean() })
  fc.assert(
    fc.property(fc.array(peer, { maxLength: 8 }), fc.nat(4), fc.nat(4), fc.nat(), (peers, slots, busy, seed) => {
      const table = tableOf(
        ...peers.map((one, index) =>
          beacon(`n${index}`, {
            slots: one.slots,
            busy: Math.min(one.busy, one.slots),
            idle: one.busy < one.slots && one.idle > 0 ? idleOf(one.idle) : new Map(),
            draining: one.draining
          })
        )
      )
      const refused = peers.flatMap((one, index) => (one.refused ? [`n${index}`] : []))
      const picked = choose(table, self({ slots, busy: Math.min(busy, slots) }), 0, refused, seed)
      if (picked === undefined) {
        // Nobody is picked only when there is really no open place.
        const open = peers.some((one) => !one.refused && !one.draining && one.busy < one.slots)
        return !open && Math.min(busy, slots) >= slots
      }
      if (picked.node === 'self') return Math.min(busy, slots) < slots
      const load = table.get(picked.node)
      return load !== undefined && !load.draining && load.busy < load.slots && !refused.includes(picked.node)
    }),
    { seed: FUZZ_SEED, numRuns: 2_000 }
  )
  t.pass()
})

test('a node that says it had more busy than it has slots does not make the others look full', (t) => {
  const table = tableOf(beacon('a'), beacon('liar', { slots: 1, busy: 1e15 }))
  t.is(choose(table, self({ busy: 4 }), 250)?.node, 'a')
  table.remove('liar')
  t.is(choose(table, self({ busy: 4 }), 250)?.node, 'a')
})

test('a node that names other revisions with every report is remembered for some of them only', (t) => {
  const table = tableOf(beacon('a'))
  const idle = (turn: number) => new Map(Array.from({ length: 4_096 }, (_, index) => [`${turn}-${index}`, 1]))
  for (let turn = 2; turn < 6; turn++) table.observe(beacon('a', { sequence: turn, idle: idle(turn) }), 1)
  t.is(table.board.usualIdle.of('2-0'), undefined)
  t.is(table.board.usualIdle.of('5-4095')?.get('a')?.count, 1)
})

test('beacons survive the wire; garbage does not', (t) => {
  const sent = beacon('a', { idle: idleOf(3), busy: 2, draining: true, latencyMs: 1.5 })
  t.deepEqual(beaconFromWire('a', beaconToWire(sent)), sent)
  const told = beacon('a', { failing: ['b', 'c'] })
  t.deepEqual(beaconFromWire('a', beaconToWire(told)), told)
  const many = beacon('a', { failing: Array.from({ length: 100 }, (_, index) => `n${index}`) })
  t.is(beaconFromWire('a', beaconToWire(many)).failing.length, 64)
  fc.assert(
    fc.property(fc.anything(), (alleged) => {
      try {
        beaconFromWire('a', alleged)
      } catch (error) {
        if ((error as { code?: string }).code !== 'MALFORMED') throw error
      }
      hintFromWire(alleged)
    }),
    { seed: FUZZ_SEED, numRuns: 500 }
  )
  for (const bad of [
    [1, 1, -1, 0, 0, 0, false, []],
    [1, 1, 65_537, 0, 0, 0, false, []],
    [1, 1, 0.5, 0, 0, 0, false, []],
    [1, 1, 1, 0, 0, 0, false, ['r', 65_537]],
    [1, 1, 1, 0, 0, Number.NaN, false, []],
    [1, 1, 1, 0, 0, 0, false, ['r', 'x']],
    [1, 1, 1, 0, 0, 0, false, [], 'b'],
    [1, 1, 1, 0, 0, 0, false, [], [7]],
    [1, 1, 1, 0, 0, 0, false, [], ['b'.repeat(65)]],
    [1, 1, 1, 0, 0, 0, false, [], Array.from({ length: 65 }, () => 'b')]
  ]) {
    t.like(
      t.throws(() => beaconFromWire('a', bad)),
      { code: 'MALFORMED' }
    )
  }
  t.is(hintFromWire([1, 1, 65_537, 0, 0, 0, 0]), undefined)
  t.is(hintFromWire([1, 1, 4, 0, 0, 0, 65_537]), undefined)
})
