import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PeerlessError } from '@peerless/interface'
import type { LeaveWords, PeerlessMesh } from '@peerless/mesh'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { DataFolder } from '../src/data-folder.ts'
import { Departing, type DepartingParts, hasLeft } from '../src/departing.ts'
import { Draining } from '../src/draining.ts'
import type { Machine } from '../src/machine.ts'
import type { NamedBlock } from '../src/named-blocks.ts'

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peerless-node-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

const NONE = { events: 0, ends: 0 }

/** A founder, `self`, with members `one`, `two` and a further front; what is called, in order. */
function leaving(over: Partial<DepartingParts> = {}, peers = ['one', 'two', 'front'], drained: string[] = [], refused = false) {
  const calls: string[] = []
  const clock = new VirtualClock()
  const call =
    <Value>(name: string, value: Value) =>
    () => {
      calls.push(name)
      return value
    }
  const ids = ['self', 'one', 'two', 'front']
  let done = false
  const leavingPart = {
    begun: false,
    get done() {
      return done
    },
    isKnown: false,
    head: 'self',
    successors: () => ['one', 'two', 'front'],
    tell: async () => ({ told: [], untold: [] }),
    leave: async ({ successor, goes = [] }: LeaveWords = {}) => {
      calls.push(`leave ${successor ?? '-'} with ${goes.join()}`)
      done = true
      return { told: peers.filter((peer) => peer !== 'front'), untold: [] }
    }
  }
  const mesh = {
    peerId: 'self',
    meshId: 'mesh',
    name: 'ada',
    leaving: leavingPart,
    peers: () => peers,
    members: () => ids.map((peerId) => ({ peerId, name: peerId })),
    memberOf: (peerId: string) => (peerId === 'away' ? undefined : { peerId, name: `name of ${peerId}`, issuer: 'self' }),
    refused: { by: (peerId: string) => (refused && peerId === 'two' ? 'self is no member any more: it was removed' : undefined) },
    status: (peerId: string) => ({ status: drained.includes(peerId) ? 'draining' : 'connected' }),
    setDraining: () => undefined
  } as unknown as PeerlessMesh
  const draining = new Draining({
    mesh,
    invocation: { inFlight: 0, setDraining: (on) => void calls.push(`draining ${on}`), loadOf: () => undefined },
    provisioning: { changed: () => undefined },
    isMate: (peerId) => peerId === 'front'
  })
  const parts: DepartingParts = {
    mesh,
    machine: { id: 'self', of: (peerId: string) => (peerId === 'front' ? 'self' : peerId) } as unknown as Machine,
    draining,
    queue: {
      drain: call('queue drain', undefined),
      handOver: async () => call('hand over', NONE)(),
      resume: call('queue resume', undefined),
      stats: () => ({ events: 3, deadLetters: 2 }) as ReturnType<DepartingParts['queue']['stats']>
    },
    events: { start: call('events start', undefined), stop: call('events stop', undefined) },
    invocation: { inFlight: 0, setRefusing: (on) => void calls.push(`refusing ${on}`) },
    ledger: { flush: async () => call('flush', undefined)(), owing: async () => ['one', 'away', 'two'] },
    code: { wait: async () => call('code', [])(), setGoing: (on) => void calls.push(`going ${on}`) },
    floor: { wait: async () => call('floor', undefined)() },
    folder: { markLeft: async ({ successor }) => call(`mark ${successor ?? '-'}`, undefined)() },
    clock,
    logger: new MemoryLogger(),
    fronts: () => ({ giveAway: async () => call('fronts', NONE)(), keep: call('fronts keep', undefined) }),
    onLeft: call('left', undefined),
    ...over
  }
  return { departing: new Departing(parts), calls, draining, leavingPart, clock }
}

test('a node gives all away before it says that it leaves, and marks its folder after somebody knows', async (t) => {
  const { departing, calls } = leaving()
  t.like(await departing.plan({}), {
    members: 2,
    connected: 2,
    letIn: 2,
    events: 3,
    deadLetters: 2,
    head: true,
    successor: { peerId: 'one' }
  })
  const { told, successor } = await departing.leave({})
  t.deepEqual(told, ['one', 'two'])
  t.like(successor, { peerId: 'one', name: 'name of one' })
  t.deepEqual(calls, [
    'going true',
    'draining true',
    'fronts',
    'code',
    'floor',
    'events stop',
    'queue drain',
    'refusing true',
    'hand over',
    'flush',
    'leave one with front',
    'mark one',
    'left'
  ])
  await t.throwsAsync(departing.leave({}), { code: 'CONFLICT' })
})

test('a front of a machine that leaves changes nothing more and waits for its code, before it gives its events away', async (t) => {
  const { departing, calls } = leaving({ fronts: () => undefined })
  t.deepEqual(await departing.giveAway(), NONE)
  t.deepEqual(calls.slice(0, 4), ['going true', 'code', 'events stop', 'queue drain'])
  departing.keep()
  t.deepEqual(calls.slice(-4), ['going false', 'refusing false', 'queue resume', 'events start'])
  const alone = leaving({ code: { wait: async () => [{ name: 'f', cid: 'c', bytes: 1 }], setGoing: () => undefined } })
  await t.throwsAsync(alone.departing.giveAway(), { code: 'UNAVAILABLE', message: /1 blocks of code .* of f/ })
})

test('the successor is who is named, nobody where that is said, else the eldest that is connected and another machine', async (t) => {
  const { departing } = leaving({}, ['two', 'front'])
  t.like(await departing.plan({}), { successor: { peerId: 'two' } })
  t.is((await departing.plan({ successor: null })).successor, null)
  const { departing: wary } = leaving({}, ['one', 'two'], ['one'])
  t.like(await wary.plan({}), { successor: { peerId: 'two' } }, 'one that drains may be leaving, too')
  const [owing] = (await leaving({}, ['one']).departing.plan({})).owing
  t.like(owing, { peerId: 'two' }, 'who is connected pays before')
  t.like(await leaving({}, ['one'], ['one']).departing.plan({}), { successor: { peerId: 'one' } })
  t.like(await departing.plan({ successor: 'one' }), { successor: { peerId: 'one' } })
  await t.throwsAsync(departing.plan({ successor: 'front' }), {
    code: 'FORBIDDEN',
    message: /name of one \(one\), name of two \(two\)/
  })
  await t.throwsAsync(departing.plan({ successor: 'nobody' }), { code: 'NOT_FOUND' })
  await t.throwsAsync(departing.leave({ successor: 'nobody' }), { code: 'NOT_FOUND' })
})

const FAILURES: [what: string, over: Partial<DepartingParts>, message: RegExp][] = [
  [
    'code that nobody else has',
    { code: { wait: async () => [{ name: 'f', cid: 'c', bytes: 1 }], setGoing: () => undefined } },
    /1 blocks of code .* of f/
  ],
  [
    'a catalog that nobody takes',
    {
      code: {
        wait: () => Promise.reject(new PeerlessError('UNAVAILABLE', 'no other node took the catalog')),
        setGoing: () => undefined
      }
    },
    /took the catalog/
  ],
  [
    'events that nobody takes',
    { fronts: () => ({ giveAway: async () => ({ events: 2, ends: 0 }), keep: () => undefined }) },
    /2 events that were accepted here/
  ],
  [
    'dead letters that nobody takes',
    { fronts: () => ({ giveAway: async () => ({ events: 0, ends: 3 }), keep: () => undefined }) },
    /dead letters of events are on no other machine's disk, 3 of them/
  ]
]
for (const [what, over, message] of FAILURES) {
  test(`a node stays, and works on, with ${what}`, async (t) => {
    const { departing, calls, draining, leavingPart } = leaving(over)
    await t.throwsAsync(departing.leave({}), { code: 'UNAVAILABLE', message })
    t.false(
      calls.some((call) => /^(leave|mark|left|remove)/.test(call)),
      calls.join()
    )
    t.false(draining.on)
    t.false(leavingPart.begun)
    if (calls.includes('queue drain'))
      t.deepEqual(calls.slice(-4), ['refusing false', 'queue resume', 'events start', 'draining false'])
  })
}

test('one that drained before does so when it did not leave, and one that nobody hears does not begin', async (t) => {
  const failing = leaving({ code: { wait: async () => [{ name: 'f', cid: 'c', bytes: 1 }], setGoing: () => undefined } })
  failing.draining.set(true)
  await t.throwsAsync(failing.departing.leave({}), { code: 'UNAVAILABLE' })
  t.true(failing.draining.on)
  const { departing, calls } = leaving({}, ['front'])
  await t.throwsAsync(departing.leave({}), { code: 'UNAVAILABLE', message: /none of the 2 other members is connected/ })
  t.deepEqual(calls, [])
})

test('a node that was removed while it was away is told so when it is to leave', async (t) => {
  const { departing, calls } = leaving({}, [], [], true)
  await t.throwsAsync(departing.leave({}), { code: 'CONFLICT', message: /none of the 2 .* no member any more: it was removed/ })
  t.deepEqual(calls, [])
})

test('a node that leaves takes no work again meanwhile, and is left as it was told if it stays', async (t) => {
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<NamedBlock[]>()
  const wait = () => {
    reached.resolve()
    return held.promise
  }
  const { departing, draining } = leaving({ code: { wait, setGoing: () => undefined } })
  const ending = departing.leave({})
  await reached.promise
  t.throws(() => departing.setDraining(false), { code: 'CONFLICT', message: /is leaving its mesh: it takes no more work/ })
  t.true(draining.on)
  t.true(departing.setDraining(true).draining)
  held.resolve([{ name: 'f', cid: 'c', bytes: 1 }])
  await t.throwsAsync(ending, { code: 'UNAVAILABLE' })
  t.true(draining.on)
  t.false(departing.setDraining(false).draining)
})

test('a node that left and that nobody confirmed ends, and its folder is not marked', async (t) => {
  const { departing, calls, leavingPart } = leaving()
  const { leave } = leavingPart
  leavingPart.leave = async (successor) => ({ ...(await leave(successor)), told: [] })
  await t.throwsAsync(departing.leave({}), { code: 'UNAVAILABLE', message: /start it once more/ })
  t.is(calls.at(-1), 'left')
  t.false(calls.some((call) => call.startsWith('mark')))
})

test('the mark of a node that left is found again, and its keys are gone, those of its fronts too', async (t) => {
  const path = await temporaryFolder(t)
  const secrets = ['mesh', 'fronts/2/mesh'].flatMap((folder) =>
    ['node.key', 'mesh.key', 'membership.cbor'].map((file) => join(path, folder, file))
  )
  secrets.push(join(path, 'admin-key.json'), join(path, 'fronts/2/admin-key.json'))
  const write = async () => {
    for (const folder of ['mesh', 'fronts/2/mesh']) await mkdir(join(path, folder), { recursive: true })
    for (const file of secrets) await writeFile(file, 'secret')
  }
  const folder = await DataFolder.open(path)
  t.teardown(() => folder.release())
  t.is(await folder.readLeft(), undefined)
  await write()
  const file = { at: 86_400_000, mesh: 'm', peerId: 'p', name: 'ada', successor: 'x' }
  await folder.markLeft(file)
  for (const secret of secrets) await t.throwsAsync(access(secret), { code: 'ENOENT' })
  const { successor: _, ...kept } = file
  t.deepEqual(await folder.readLeft(), kept)
  t.regex(hasLeft(kept).message, /ada \(p\), left mesh m at 1970-01-02T00:00:00\.000Z/)
  // A mark that is damaged is one all the same.
  for (const text of ['', '{', '{"at":"x"}', 'null']) {
    await writeFile(join(path, 'left.json'), text)
    t.like(await folder.readLeft(), { mesh: 'unknown' })
  }
})
