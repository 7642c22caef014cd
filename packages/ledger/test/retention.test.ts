import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TARIFF_DEFAULT } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import { type Signer, signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import type { CommandMap, FeedHead } from '../src/commands.ts'
import { LedgerCore } from '../src/core.ts'
import { LEDGER_LIMITS } from '../src/limits.ts'
import { Pruner } from '../src/pruner.ts'
import { itemisedFromAt } from '../src/retention.ts'
import { LedgerStore } from '../src/store.ts'
import { type Forged, forge, payloadOf } from './_forge.ts'
import { FUZZ_SEED, receiptOf } from './_nodes.ts'

const MESH = 'm'
const DAY_MS = 86_400_000
/** The beginning of a day. */
const MAY_1 = Date.UTC(2026, 4, 1)

interface Setting {
  readonly random: SeededRandom
  readonly signer: Signer
  readonly directory: string
  open(): Core
}

interface Core {
  readonly core: LedgerCore
  readonly store: LedgerStore
  take(statements: Forged[], itemisedFrom?: number): CommandMap['ingest']['out']
  prune(itemisedFrom: number): number
  hashes(): string[]
  state(): { digest: string; shown: number; balances: unknown; itemisedFrom: number }
  verify(): { ok: boolean; pruned: number; failure: string | undefined; statements: number }
}

function setting(t: ExecutionContext): Setting {
  const random = new SeededRandom(FUZZ_SEED)
  const root = mkdtempSync(join(tmpdir(), 'retention-'))
  const opened: LedgerCore[] = []
  let count = 0
  t.teardown(() => {
    for (const core of opened) core.close()
    rmSync(root, { recursive: true })
  })
  const signer = signerOf(random.bytes(32))
  return {
    random,
    signer,
    directory: root,
    open: () => {
      const { core, ...one } = openCore(join(root, `node-${count++}`), signer, random)
      opened.push(core)
      return { core, ...one }
    }
  }
}

function openCore(directory: string, signer: Signer, random: SeededRandom): Core {
  const store = new LedgerStore(directory)
  const boot = random.bytes(16)
  const core = new LedgerCore({ mesh: MESH, signer, operatorAccount: 'op', tariff: TARIFF_DEFAULT, store, boot, storeId: 's' })
  const hashes = () =>
    core
      .execute({ op: 'heads', after: 0 })
      .heads.map(({ hash }: FeedHead) => Buffer.from(hash).toString('hex'))
      .sort()
  return {
    core,
    store,
    hashes,
    take: (statements, itemisedFrom = 0) => {
      const allowed = statements.map(() => true)
      const result = core.execute({ op: 'ingest', peer: 'peer', bytes: payloadOf(...statements), allowed, itemisedFrom })
      core.commit()
      return result
    },
    prune: (itemisedFrom) => {
      let sum = 0
      for (let again = true, more = true; more; again = false) {
        const step = core.execute({ op: 'prune', itemisedFrom, again })
        core.commit()
        sum += step.removed
        more = step.more
      }
      return sum
    },
    state: () => ({
      digest: Buffer.from(core.execute({ op: 'heads', after: 0 }).digest).toString('hex'),
      shown: core.execute({ op: 'stats' }).shown,
      balances: core.execute({ op: 'balances' }),
      itemisedFrom: core.execute({ op: 'stats' }).itemisedFrom
    }),
    verify: () => {
      core.commit()
      const verification = core.verification()
      for (;;) {
        const result = verification.step()
        if (result !== undefined) return result
      }
    }
  }
}

/** A lane in which a statement of one receipt is made at each of these times. */
function chain({ random }: Setting, times: number[], parts: { boot?: number; self?: boolean } = {}): Forged[] {
  const [caller, executor] = [signerOf(random.bytes(32)), signerOf(random.bytes(32))]
  const callerBoot = new Uint8Array(16).fill(parts.boot ?? 1)
  const made: Forged[] = []
  for (const time of times) {
    const who = parts.self === true ? executor : caller
    const receipt = receiptOf({ caller: who.peerId, executor: executor.peerId, time, account: `a-${made.length % 3}` }, random)
    const before = made.at(-1)
    made.push(
      forge(executor, MESH, [receipt], {
        callerBoot,
        ...(parts.self === true ? {} : { acceptedBy: caller }),
        ...(before === undefined ? {} : { before })
      })
    )
  }
  return made
}

const hex = (statement: Forged) => Buffer.from(statement.hash).toString('hex')
const days = (count: number, from = MAY_1 - 20 * DAY_MS) => Array.from({ length: count }, (_, index) => from + index * DAY_MS)

test('of each lane the highest old statement stays, and all that are not old; no balance changes', (t) => {
  const setup = setting(t)
  const lanes = [
    chain(setup, days(30)),
    chain(setup, days(5)),
    chain(setup, days(3, MAY_1)),
    chain(setup, days(12), { self: true })
  ]
  const node = setup.open()
  for (const lane of lanes) t.is(node.take(lane).taken, lane.length)
  const before = node.state()
  const [long, ended, young, own] = lanes as [Forged[], Forged[], Forged[], Forged[]]
  t.is(node.prune(MAY_1), 19 + 4 + 11)
  const kept = [...long.slice(19), ...ended.slice(-1), ...young, ...own.slice(-1)].map(hex).sort()
  t.deepEqual(node.hashes(), kept)
  const after = node.state()
  t.deepEqual(after.balances, before.balances)
  t.is(after.shown, kept.length)
  t.is(after.itemisedFrom, MAY_1)
  t.like(node.verify(), { ok: true, pruned: 3, statements: kept.length, failure: undefined })
  t.is(node.prune(MAY_1), 0)
})

test('what is left depends on the statements and the time alone, not on the order in which they came or when they went', (t) => {
  for (let round = 0; round < 20; round++) {
    const setup = setting(t)
    const { random } = setup
    const lanes = Array.from({ length: 4 }, () => {
      // A clock that is set back now and then.
      const times = days(25).map((time) => time - Math.floor(random.next() * 3) * 600_000)
      return chain(setup, times, { self: random.next() < 0.5 })
    })
    const [first, second] = [setup.open(), setup.open()]
    for (const lane of lanes) first.take(lane)
    first.prune(MAY_1 - 7 * DAY_MS)
    first.prune(MAY_1)
    const places = lanes.map(() => 0)
    while (lanes.some((lane, index) => (places[index] as number) < lane.length)) {
      const index = Math.floor(random.next() * lanes.length)
      const place = places[index] as number
      const count = 1 + Math.floor(random.next() * 6)
      second.take((lanes[index] as Forged[]).slice(place, place + count))
      places[index] = place + count
      if (random.next() < 0.2) second.prune(MAY_1 - Math.floor(random.next() * 20) * DAY_MS)
    }
    second.prune(MAY_1)
    t.deepEqual(second.hashes(), first.hashes())
    t.deepEqual(second.state(), first.state())
    t.true(second.verify().ok && first.verify().ok)
  }
})

test('a node that joins takes over what is left, and has the same balances', (t) => {
  const setup = setting(t)
  const lane = chain(setup, days(30))
  const [old, fresh] = [setup.open(), setup.open()]
  old.take(lane)
  old.prune(MAY_1)
  const left = lane.slice(19)
  t.is(fresh.take(left, MAY_1).taken, left.length)
  const from = (left[0] as Forged).decoded.timeMin + LEDGER_LIMITS.spanMsMax
  t.deepEqual(fresh.state(), { ...old.state(), itemisedFrom: from })
  t.like(fresh.verify(), { ok: true, pruned: 1 })
  // It has not pruned itself, and says so: what it says it has is compared with nobody who has.
  t.like(fresh.core.execute({ op: 'heads', after: 0 }), { pruned: 0, itemisedFrom: from })
})

test('what is gone is not brought back by who still has it', (t) => {
  const setup = setting(t)
  const lane = chain(setup, days(30))
  const node = setup.open()
  node.take(lane)
  node.prune(MAY_1)
  const before = node.state()
  // Nor asked for for ever: it is taken as known.
  t.is(node.take(lane.slice(0, 19)).taken, 19)
  t.deepEqual(node.state(), before)
})

test('old statements that come late go with the next walk', (t) => {
  const setup = setting(t)
  const [other, lane] = [chain(setup, days(3)), chain(setup, days(10))]
  const node = setup.open()
  node.take(other)
  node.prune(MAY_1)
  node.take(lane.slice(0, 4))
  node.take(lane.slice(4))
  t.is(node.prune(MAY_1), 9)
  t.deepEqual(node.hashes(), [other.at(-1) as Forged, lane.at(-1) as Forged].map(hex).sort())
})

test('a statement whose beginning is missing is taken only where that may have been pruned', (t) => {
  const setup = setting(t)
  const lane = chain(setup, days(30))
  const node = setup.open()
  const later = lane.slice(22)
  t.is(node.take(later).held.length, later.length, 'from a peer that has pruned nothing')
  t.is(node.take(later, MAY_1).held.length, later.length, 'young, from one that has')
  t.is(node.take(lane.slice(19, 20), MAY_1).taken, 1)
  t.is(node.take(lane.slice(20), MAY_1).taken, 10)
})

test('an old statement without a beginning is checked in everything else', (t) => {
  const setup = setting(t)
  const [, statement] = chain(setup, days(2)) as [Forged, Forged]
  const node = setup.open()
  const broken = [
    { ...statement, callerSignature: undefined },
    { ...statement, callerSignature: new Uint8Array(64) },
    { ...statement, rows: statement.rows.slice(32) },
    { ...statement, executorSignature: new Uint8Array(64) }
  ]
  for (const one of broken) t.is(node.take([one], MAY_1).taken, 0)
  t.is(node.state().shown, 0)
})

test('lanes with two statements of one number stay whole', (t) => {
  const setup = setting(t)
  const node = setup.open()
  node.take(chain(setup, days(10)))
  const pair = twins(setup)
  node.take(pair)
  t.is(node.core.execute({ op: 'stats' }).forks, 1)
  t.is(node.prune(MAY_1), 9)
  for (const one of pair) t.true(node.hashes().includes(hex(one)))
})

/** Two different statements of one number, both self-attested, with one before them. */
function twins({ random }: Setting): Forged[] {
  const executor = signerOf(random.bytes(32))
  const callerBoot = new Uint8Array(16).fill(3)
  const [time] = days(1) as [number]
  const one = () => receiptOf({ caller: executor.peerId, executor: executor.peerId, time }, random)
  const first = forge(executor, MESH, [one()], { callerBoot })
  return [
    first,
    forge(executor, MESH, [one()], { callerBoot, before: first }),
    forge(executor, MESH, [one()], { callerBoot, before: first })
  ]
}

test('two statements of one number, of which one has gone, count alike everywhere', (t) => {
  const setup = setting(t)
  const { random } = setup
  const executor = signerOf(random.bytes(32))
  const callerBoot = new Uint8Array(16).fill(3)
  const one = (time: number, before?: Forged) =>
    forge(executor, MESH, [receiptOf({ caller: executor.peerId, executor: executor.peerId, time }, random)], {
      callerBoot,
      ...(before === undefined ? {} : { before })
    })
  const [a, b, c] = days(3) as [number, number, number]
  const first = one(a)
  const branch = [first, one(b, first)]
  branch.push(one(c, branch[1]))
  const other = [one(b, first)]
  other.push(one(MAY_1 + DAY_MS, other[0]))
  other.push(one(MAY_1 + DAY_MS, other[1]))
  const [whole, pruned] = [setup.open(), setup.open()]
  whole.take([...branch, ...other])
  whole.prune(MAY_1)
  pruned.take(branch)
  t.is(pruned.prune(MAY_1), 2)
  // As often as anti-entropy does at least.
  for (let round = 0; round < 3; round++) pruned.take([...branch, ...other], MAY_1)
  t.deepEqual(pruned.state().balances, whole.state().balances)
  t.deepEqual(pruned.hashes(), whole.hashes())
  t.is(pruned.core.execute({ op: 'stats' }).frozen, 1)
  t.true(pruned.verify().failure?.includes('two different statements') === true)
})

test('a walk and a verification may run at the same time', (t) => {
  const setup = setting(t)
  for (const looked of [0, 1, 2, 5]) {
    const node = setup.open()
    for (const lane of Array.from({ length: 6 }, () => chain(setup, days(30)))) node.take(lane)
    const verification = node.core.verification()
    for (let step = 0; step < looked; step++) t.is(verification.step(), undefined)
    t.is(node.prune(MAY_1), 6 * 19)
    node.take(chain(setup, days(3)))
    node.prune(MAY_1)
    let result = verification.step()
    while (result === undefined) result = verification.step()
    t.like(result, { ok: true, failure: undefined }, `${looked} steps before it`)
    t.true(node.verify().ok)
  }
})

test('a lane goes on after its beginning has gone', (t) => {
  const setup = setting(t)
  const lane = chain(setup, days(40))
  const node = setup.open()
  node.take(lane.slice(0, 20))
  node.prune(MAY_1)
  t.is(node.state().shown, 1)
  t.is(node.take(lane.slice(20)).taken, 20)
  t.is(node.prune(MAY_1 + 15 * DAY_MS), 15)
  t.true(node.verify().ok)
})

function formatOf(folder: string): unknown {
  const database = new DatabaseSync(join(folder, 'ledger.sqlite'), { readOnly: true })
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  database.close()
  return user_version
}

test('a walk that was cut off is done by the next start, and no number of the feed is given twice', (t) => {
  const setup = setting(t)
  const { signer, random, directory } = setup
  const folder = join(directory, 'cut')
  const node = openCore(folder, signer, random)
  // More than two steps look at.
  const long = chain(
    setup,
    Array.from({ length: 2 * LEDGER_LIMITS.pruneStepStatements + 5 }, (_, minute) => MAY_1 - 9 * DAY_MS + minute * 60_000)
  )
  for (let at = 0; at < long.length; at += 500) node.take(long.slice(at, at + 500))
  // The last of the feed is one that goes.
  const [first, second] = chain(setup, days(2)) as [Forged, Forged]
  node.take([second], MAY_1)
  node.take([first])
  const { last } = node.core.execute({ op: 'heads', after: 0 })
  t.is(formatOf(folder), 1)
  let removed = 0
  for (let step = 0; step < 4; step++) {
    removed += node.core.execute({ op: 'prune', itemisedFrom: MAY_1, again: step === 0 }).removed
    node.core.commit()
  }
  t.true(removed > 0 && removed < long.length - 1, `${removed} of ${long.length}`)
  t.true(node.verify().ok, 'in the middle of it')
  t.is(formatOf(folder), 2, 'a version that knows nothing of it refuses the file')
  node.core.close()

  const again = openCore(folder, signer, random)
  t.is(again.prune(MAY_1), long.length - 1 + 1 - removed)
  t.deepEqual(again.hashes(), [long.at(-1) as Forged, second].map(hex).sort())
  t.true(again.verify().ok)
  again.core.close()
  const third = openCore(folder, signer, random)
  t.is(third.core.execute({ op: 'heads', after: 0 }).last, last)
  third.core.close()
})

test('receipts are kept for whole days, and a clock that jumps ahead once removes nothing', async (t) => {
  t.is(itemisedFromAt(MAY_1 + 5, 10 * DAY_MS, DAY_MS), MAY_1 - 10 * DAY_MS)
  t.is(itemisedFromAt(MAY_1 - 1, 10 * DAY_MS, DAY_MS), MAY_1 - 11 * DAY_MS)
  t.is(itemisedFromAt(5, 10 * DAY_MS, DAY_MS), 0)
  let now = MAY_1
  let look: () => void = () => undefined
  const asked: number[] = []
  const pruner = new Pruner({
    clock: {
      now: () => now,
      monotonic: () => 0,
      after: () => ({ cancel: () => undefined }),
      every: (periodMs, run) => {
        t.is(periodMs, LEDGER_LIMITS.pruneCheckMs)
        look = run
        return { cancel: () => undefined }
      }
    },
    logger: { debug: t.fail, info: t.fail, warn: t.fail, error: t.fail } as never,
    host: {
      call: async (command: { op: string; itemisedFrom: number }) => {
        asked.push(command.itemisedFrom)
        return { removed: 0, more: false }
      }
    } as never,
    keepMs: 10 * DAY_MS,
    checkMs: LEDGER_LIMITS.pruneCheckMs
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  pruner.start()
  await settled()
  t.deepEqual(asked, [], 'not at the start: the clock may not be set yet')
  now = MAY_1 + 100 * DAY_MS
  look()
  await settled()
  now = MAY_1
  look()
  await settled()
  t.deepEqual(asked, [MAY_1 - 10 * DAY_MS, MAY_1 - 10 * DAY_MS])
  pruner.stop()
})
