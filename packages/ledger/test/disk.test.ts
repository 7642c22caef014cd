import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { databaseError, TARIFF_DEFAULT } from '@peerless/interface'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { createLedger } from '../src/index.ts'
import { LedgerStore } from '../src/store.ts'
import { call, eventually, type Fleet, fleet, linesOf, type TestNode } from './_nodes.ts'

type Pair = Fleet & { a: TestNode; b: TestNode }

/** Two nodes with statements of every kind: self-attested, accepted, several to a lane. */
async function pair(t: ExecutionContext): Promise<Pair> {
  const all = await fleet(t, 2)
  const [a, b] = all.nodes as [TestNode, TestNode]
  await eventually(async () => {
    call(a, b, all.random)
    await a.ledger.flush()
    await b.ledger.flush()
    return (await linesOf(a.ledger)).length > 0
  }, 'the two know each other')
  for (let round = 0; round < 4; round++) {
    for (let index = 0; index < 20; index++) {
      call(a, b, all.random)
      call(b, a, all.random)
      call(a, a, all.random)
    }
    await a.ledger.flush()
    await b.ledger.flush()
  }
  await eventually(async () => (await a.ledger.stats()).receipts === (await b.ledger.stats()).receipts, 'both have all')
  return { ...all, a, b }
}

/** The node's file while it is down; opened again before the answer. */
async function changed(all: Pair, change: (database: DatabaseSync) => void) {
  await all.crash(all.a)
  const database = new DatabaseSync(join(all.a.directory, 'ledger.sqlite'))
  change(database)
  database.close()
  // Alone: a peer would mend it.
  all.network.leave(all.b.signer.peerId)
  await all.restart(all.a)
  return await all.a.ledger.verify()
}

test('a stopped node finds everything again and goes on in new lanes', async (t) => {
  const all = await pair(t)
  const before = {
    lines: await linesOf(all.a.ledger),
    balances: await all.a.ledger.balances(),
    stats: await all.a.ledger.stats()
  }
  await all.a.ledger.stop()
  all.network.leave(all.a.signer.peerId)
  await all.restart(all.a)
  t.deepEqual(await linesOf(all.a.ledger), before.lines)
  t.deepEqual(await all.a.ledger.balances(), before.balances)
  call(all.a, all.a, all.random)
  t.is((await all.a.ledger.verify()).lanes, before.stats.lanes + 1)
})

test('a caller that stops is charged for all that it saw: it waits until its executors have claimed it', async (t) => {
  const all = await fleet(t, 2, { batchMsMax: 150 })
  const [a, b] = all.nodes as [TestNode, TestNode]
  for (let index = 0; index < 10; index++) call(a, b, all.random)
  await a.ledger.stop()
  all.network.leave(a.signer.peerId)
  await all.restart(a)
  for (const node of all.nodes) {
    await eventually(async () => (await node.ledger.stats()).receipts === 10, 'the ten are paid')
  }
  t.deepEqual(await a.ledger.balances(), await b.ledger.balances())
})

test('a disk that works again gets the receipts that it refused, also when nothing more is called', async (t) => {
  const all = await fleet(t, 1)
  const [node] = all.nodes as [TestNode]
  const database = new DatabaseSync(join(node.directory, 'ledger.sqlite'))
  t.teardown(() => database.close())
  const stored = () => (database.prepare('SELECT count(*) AS count FROM statements').get() as { count: number }).count
  database.exec("CREATE TRIGGER refuse BEFORE INSERT ON statements BEGIN SELECT RAISE(ABORT, 'no room'); END")
  call(node, node, all.random)
  await eventually(async () => node.logger.lines.some((line) => line.message.includes('could not write')), 'the refusal')
  database.exec('DROP TRIGGER refuse')
  await eventually(async () => stored() === 1, 'the receipt is on disk')
  t.like(await node.ledger.verify(), { ok: true, receipts: 1 })
})

test('a ledger whose disk refuses to the end stops all the same', async (t) => {
  const all = await fleet(t, 1)
  const [node] = all.nodes as [TestNode]
  const database = new DatabaseSync(join(node.directory, 'ledger.sqlite'))
  t.teardown(() => database.close())
  database.exec("CREATE TRIGGER refuse BEFORE INSERT ON statements BEGIN SELECT RAISE(ABORT, 'no room'); END")
  call(node, node, all.random)
  t.like(await t.throwsAsync(node.ledger.stop()), { code: 'INTERNAL' })
  t.like(await t.throwsAsync(node.ledger.stats()), { code: 'UNAVAILABLE' })
})

test('what was on disk is there after a crash, and nothing is signed twice', async (t) => {
  const all = await pair(t)
  const count = (await linesOf(all.a.ledger)).length
  call(all.a, all.a, all.random)
  await all.crash(all.a)
  await all.restart(all.a)
  const lines = await linesOf(all.a.ledger)
  t.true(lines.length === count || lines.length === count + 1)
  t.true((await all.a.ledger.verify()).ok)
})

test('statements that the caller had not answered are offered again after the executor’s crash', async (t) => {
  const all = await pair(t)
  const before = (await all.a.ledger.stats()).receipts
  all.network.partition([all.a.signer.peerId], [all.b.signer.peerId])
  for (let index = 0; index < 10; index++) call(all.a, all.b, all.random)
  await all.b.ledger.flush()
  t.is((await all.b.ledger.stats()).receipts, before)
  await all.crash(all.b)
  all.network.heal()
  await all.restart(all.b)
  for (const node of [all.a, all.b]) {
    await eventually(async () => (await node.ledger.stats()).receipts === before + 10, 'the ten are paid')
    t.true((await node.ledger.verify()).ok)
  }
})

test('what a restarted caller did not see is never charged to it', async (t) => {
  const all = await pair(t)
  const before = (await all.b.ledger.stats()).receipts
  all.network.partition([all.a.signer.peerId], [all.b.signer.peerId])
  const lost = call(all.a, all.b, all.random)
  await all.b.ledger.flush()
  await all.crash(all.a)
  all.network.heal()
  await all.restart(all.a)
  await eventually(
    async () => all.b.logger.lines.some((line) => line.message.includes('caller refused') && line.fields.reason === 'unseen'),
    'the refusal'
  )
  await all.b.ledger.flush()
  t.is((await all.b.ledger.stats()).receipts, before)
  t.false((await linesOf(all.b.ledger)).some((line) => line.requestId === lost.requestId))
  call(all.a, all.b, all.random)
  await eventually(async () => (await all.a.ledger.stats()).receipts === before + 1, 'later calls are paid')
})

for (const column of ['hash', 'lane', 'body', 'rows', 'executor_signature', 'caller_signature']) {
  test(`a flipped byte in the column ${column} is found`, async (t) => {
    const all = await pair(t)
    const verification = await changed(all, (database) => {
      const found = database
        .prepare(`SELECT id, ${column} AS bytes FROM statements WHERE counted = 1 AND ${column} IS NOT NULL`)
        .all() as {
        id: number
        bytes: Uint8Array
      }[]
      const row = found[Math.floor(all.random.next() * found.length)] as (typeof found)[0]
      const at = Math.floor(all.random.next() * row.bytes.length)
      row.bytes[at] = (row.bytes[at] as number) ^ 0x10
      database.prepare(`UPDATE statements SET ${column} = ? WHERE id = ?`).run(row.bytes, row.id)
    }).catch((error: Error & { code?: string }) => ({ ok: false, failure: error.code }))
    t.false(verification.ok)
    t.log(verification.failure)
  })
}

for (const [what, sql] of [
  ['number', 'seq = seq + 1'],
  ['time', 'time_min = time_min + 1'],
  ['standing', 'counted = 0'],
  ['place in the feed', 'feed = NULL']
]) {
  test(`a changed ${what} is found`, async (t) => {
    const all = await pair(t)
    const verification = await changed(all, (database) => {
      database.exec(`UPDATE statements SET ${sql} WHERE id = (SELECT max(id) FROM statements WHERE counted = 1)`)
    })
    t.false(verification.ok)
  })
}

for (const [what, order] of [
  ['from the middle of a lane', 'seq = 2'],
  ['from the end of a lane', 'seq = (SELECT max(seq) FROM statements)']
]) {
  test(`a statement removed ${what} is found`, async (t) => {
    const all = await pair(t)
    const verification = await changed(all, (database) => {
      const { changes } = database
        .prepare(`DELETE FROM statements WHERE id = (SELECT id FROM statements WHERE counted = 1 AND ${order} LIMIT 1)`)
        .run()
      t.is(changes, 1)
    })
    t.false(verification.ok)
    t.regex(verification.failure ?? '', /missing|removed/)
  })
}

test('a torn log loses at most its tail; what is left verifies, and the peer gives the rest back', async (t) => {
  const all = await pair(t)
  const count = (await linesOf(all.a.ledger)).length
  const file = join(all.a.directory, 'ledger.sqlite')
  // As after a power cut: file and log as they are now, the log cut in the middle of a frame.
  const torn = `${all.a.directory}-torn`
  mkdirSync(torn)
  copyFileSync(file, join(torn, 'ledger.sqlite'))
  copyFileSync(`${file}-wal`, join(torn, 'ledger.sqlite-wal'))
  truncateSync(join(torn, 'ledger.sqlite-wal'), Math.floor(statSync(`${file}-wal`).size * 0.7) + 13)
  await all.crash(all.a)
  for (const name of ['ledger.sqlite', 'ledger.sqlite-wal']) copyFileSync(join(torn, name), join(all.a.directory, name))
  await all.restart(all.a)
  t.true((await all.a.ledger.verify()).ok)
  await eventually(async () => (await linesOf(all.a.ledger)).length >= count, 'the peer gives back what was lost')
  t.deepEqual(await all.a.ledger.balances(), await all.b.ledger.balances())
})

test('a file that is no database is refused as CORRUPT with its name', async (t) => {
  for (const worker of [false, true]) {
    const all = await fleet(t, 1)
    const [node] = all.nodes as [TestNode]
    await all.crash(node)
    const directory = `${node.directory}-${worker}`
    mkdirSync(directory)
    writeFileSync(join(directory, 'ledger.sqlite'), Buffer.alloc(8_192, 'rubbish'))
    const error = await t.throwsAsync(
      createLedger({
        directory,
        signer: node.signer,
        ...(worker ? { seed: node.seed } : {}),
        mesh: all.network.join(node.signer.peerId),
        operatorAccount: 'operator',
        tariff: TARIFF_DEFAULT,
        clock: realClock,
        random: all.random,
        logger: node.logger
      })
    )
    t.like(error, { code: 'CORRUPT' })
    t.regex(error?.message ?? '', /ledger\.sqlite cannot be read/)
  }
})

test('a node that lost its disk gets all statements back from a peer', async (t) => {
  const all = await pair(t)
  const lines = await linesOf(all.b.ledger)
  await all.crash(all.a)
  const fresh = { ...all.a, directory: `${all.a.directory}-new` }
  await all.restart(fresh)
  t.teardown(() => fresh.ledger.abort())
  await eventually(async () => (await linesOf(fresh.ledger)).length === lines.length, 'all lines')
  t.deepEqual(await linesOf(fresh.ledger), lines)
  t.true((await fresh.ledger.verify()).ok)
})

test('a database with a whole head and torn pages is refused as CORRUPT with its name, in its thread too', async (t) => {
  const all = await pair(t)
  await all.crash(all.a)
  const file = join(all.a.directory, 'ledger.sqlite')
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const { page_size: size } = database.prepare('PRAGMA page_size').get() as { page_size: number }
  const { rootpage } = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'statements'").get() as {
    rootpage: number
  }
  database.close()
  writeFileSync(file, readFileSync(file).fill(0xa5, (rootpage - 1) * size, rootpage * size))
  const mesh = all.network.join(all.a.signer.peerId)
  for (const worker of [false, true]) {
    const error = await t.throwsAsync(
      createLedger({
        directory: all.a.directory,
        signer: all.a.signer,
        ...(worker ? { seed: all.a.seed } : {}),
        mesh,
        operatorAccount: 'operator',
        tariff: TARIFF_DEFAULT,
        clock: realClock,
        random: all.random,
        logger: all.a.logger
      })
    )
    t.like(error, { code: 'CORRUPT' })
    t.regex(error?.message ?? '', /ledger\.sqlite cannot be read: .*set it aside/)
  }
})

test('a disk that refuses says nothing against the file: nobody is told to set it aside', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'peerless-ledger-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'ledger.sqlite'), { recursive: true })
  const error = t.throws(() => new LedgerStore(directory), { code: 'UNAVAILABLE' })
  t.regex(error?.message ?? '', /ledger\.sqlite cannot be read: unable to open.*may be whole/)

  const full = new DatabaseSync(':memory:')
  full.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2')
  const cause = t.throws(() => full.exec(`INSERT INTO t VALUES (zeroblob(100000))`))
  full.close()
  t.like(databaseError('it', cause, 'set it aside'), { code: 'UNAVAILABLE' })
  const mistake = new TypeError('of our own')
  t.is(databaseError('it', mistake, 'set it aside'), mistake)
})
