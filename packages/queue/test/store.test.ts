import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { QueueStore, type StoreOp } from '../src/store.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const BYTES = Buffer.from('bytes')
const ALL = { id: null, account: null, functionName: null }
const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

async function storeAt(t: ExecutionContext, directory?: string): Promise<{ store: QueueStore; directory: string }> {
  const folder = directory ?? (await mkdtemp(join(tmpdir(), 'peerless-queue-')))
  if (directory === undefined) t.teardown(() => rm(folder, { recursive: true, force: true }))
  const store = new QueueStore(folder)
  t.teardown(() => store.close())
  return { store, directory: folder }
}

/** So many dead letters of an account, one a millisecond. */
function deadLetters(account: string | null, functionName: string, first: number, count: number): StoreOp[] {
  return Array.from({ length: count }, (_, index) => first + index).flatMap((number): StoreOp[] => [
    ['put', idOf(number), 'owner', BYTES, BYTES],
    ['settle', idOf(number), number, BYTES, true, [account, functionName]]
  ])
}

test('a dead letter that was buried stays so where its end is heard later', async (t) => {
  for (const early of [false, true]) {
    const { store } = await storeAt(t)
    const end = () => store.commit([['settle', ID, 1_000, BYTES, true, ['acme', 'f']]])
    store.commit([['put', ID, 'owner', BYTES, BYTES]])
    if (!early) end()
    store.commit([['bury', ID]])
    // What is not settled here may have to be taken over yet.
    t.is(store.load().length, early ? 1 : 0)
    if (early) end()
    t.deepEqual(store.dead(10, ALL), [])
    t.is(store.deadCount(), 0)
    t.deepEqual(store.load(), [])
    t.deepEqual(store.settled([ID]), [ID], 'its result is kept')
  }
})

test('an end that came from another node is as old as it was there, and replaces none that is known', async (t) => {
  const { store } = await storeAt(t)
  const day = 86_400_000
  const subject = ['acme', 'f'] as const
  store.commit([['put', idOf(2), 'owner', BYTES, BYTES]])
  store.commit([
    ['keep', ID, 1_000, BYTES, [BYTES, BYTES], subject],
    ['keep', idOf(2), 1_000, null, [Buffer.from('other'), BYTES], subject],
    ['keep', ID, 2_000, Buffer.from('other'), null, subject]
  ])
  t.like(store.dead(10, { ...ALL, account: 'acme', functionName: 'f' }), { length: 1, 0: { id: ID } })
  t.deepEqual(Buffer.from(store.result(ID) ?? []), BYTES)
  t.is(store.load().length, 1, 'what is to be run stays so')
  t.deepEqual([store.endIds('letters', '', 10), store.endIds('results', '', 10)], [[ID], []])
  store.prune(14 * day)
  t.is(store.deadCount(), 1)
  store.prune(14 * day + 1_001)
  t.is(store.deadCount(), 0)
})

test('who leaves very many dead letters loses the oldest of its own, and hides those of nobody', async (t) => {
  const { store } = await storeAt(t)
  store.commit(deadLetters('quiet', 'f', 0, 3))
  store.commit(deadLetters('other', 'g', 100, 4_000))
  store.commit(deadLetters('loud', 'f', 10_000, 7_000))
  const shown = (account: string, functionName: string | null = null) => store.dead(1_000, { ...ALL, account, functionName })
  t.deepEqual(
    shown('quiet').map(({ id }) => id),
    [0, 1, 2].map(idOf)
  )
  t.is(shown('loud', 'g').length, 0)
  const lost = store.prune(20_000)
  t.true(lost >= 1_503 && lost <= 1_504, `${lost}: what is too much, and a twentieth of the bound`)
  t.is(shown('quiet').length, 3)
  t.is(shown('other')[0]?.id, idOf(100))
  t.is(shown('loud')[0]?.id, idOf(10_000 + lost))
  t.is(store.deadCount(), 11_003 - lost)
  t.is(store.prune(20_000), 0)
})

test('where many have the same, each gives some', async (t) => {
  const { store } = await storeAt(t)
  for (let account = 0; account < 10; account++) store.commit(deadLetters(`account${account}`, 'f', account * 2_000, 1_100))
  t.true(store.prune(20_000) >= 1_000)
  t.true(store.deadCount() <= 10_000 && store.deadCount() >= 9_000)
  for (let account = 0; account < 10; account++)
    t.true(store.dead(1_000, { ...ALL, account: `account${account}` }).length >= 850, `account ${account}`)
})

test('a queue of before there was a note of accounts is read, and its letters are seen', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'peerless-queue-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const old = new DatabaseSync(join(directory, 'queue.sqlite'))
  old.exec(`CREATE TABLE events (id TEXT PRIMARY KEY, state INTEGER NOT NULL, owner TEXT NOT NULL, meta BLOB NOT NULL, payload BLOB NOT NULL, dead_at INTEGER) STRICT;
    CREATE TABLE results (id TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    INSERT INTO events VALUES ('${idOf(1)}', 1, 'owner', x'00', x'00', 5), ('${idOf(2)}', 0, 'owner', x'00', x'00', NULL);
    INSERT INTO results VALUES ('${idOf(1)}', 5, x'00');
    PRAGMA user_version = 1`)
  old.close()
  for (let start = 0; start < 2; start++) {
    const { store } = await storeAt(t, directory)
    t.is(store.dead(10, { ...ALL, account: 'acme', functionName: 'f' }).length, 1)
    t.is(store.load().length, 1)
    t.is(store.prune(10), 0)
    store.close()
  }
})
