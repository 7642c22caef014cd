import { MemoryLogger, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { Admission } from '../src/admission.ts'
import type { Entry } from '../src/entry.ts'
import { EntryTable } from '../src/entry-table.ts'
import { createKeyVault } from '../src/key-vault.ts'
import type { EntryStorage } from '../src/storage.ts'
import { Writer } from '../src/writer.ts'
import { forged, functionRecord, MESH_SECRET, signer } from './_kit.ts'

function setUp() {
  const table = new EntryTable()
  const commits: string[][] = []
  const committed: string[][] = []
  let broken: Error | undefined
  const storage: EntryStorage = {
    rows: () => [],
    envelope: () => undefined,
    commit(written) {
      if (broken !== undefined) throw broken
      commits.push([...written].map((row) => row.key))
    },
    close: () => undefined
  }
  const clock = new VirtualClock()
  const writer = new Writer({
    storage,
    table,
    logger: new MemoryLogger(),
    onCommitted: (batch) => committed.push(batch.map(({ entry }) => `${entry.key} ${table.get(entry.key)?.time.counter}`))
  })
  const admission = new Admission({
    meshId: 'm',
    isMember: () => true,
    vault: createKeyVault(MESH_SECRET, new SeededRandom(1)),
    clock,
    table,
    current: (key) => writer.current(key)
  })
  const stage = (name: string, counter: number) => {
    const content = { kind: 'function' as const, name, time: { ms: clock.now(), counter }, stored: functionRecord(name) }
    const envelope = forged(signer(1), 'm', content)
    return writer.stage({ entry: admission.admit(envelope) as Entry, envelope, origin: { from: undefined, spread: true } })
  }
  return { table, commits, committed, writer, stage, breakDisk: (error = new Error('bug')) => (broken = error) }
}

test('all writes of a tick are one commit, told after it with the table already new', async (t) => {
  const { commits, committed, stage, table } = setUp()
  const writes = [stage('a', 0), stage('b', 0), stage('a', 1)]
  t.is(table.count, 0, 'nothing is read before it is on disk')
  await Promise.all(writes)
  t.deepEqual(commits, [['function/a', 'function/b']])
  t.deepEqual(committed, [['function/a 1', 'function/b 0']])
})

test('who writes to a disk that is full hears that, and nothing of the machine', async (t) => {
  const { stage, breakDisk } = setUp()
  breakDisk(Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 }))
  await t.throwsAsync(stage('a', 0), {
    code: 'UNAVAILABLE',
    message: 'the catalog could not be written to disk: database or disk is full'
  })
  breakDisk(Object.assign(new Error('EROFS: read-only file system, open /data/x'), { code: 'EROFS' }))
  await t.throwsAsync(stage('a', 0), {
    code: 'UNAVAILABLE',
    message: 'the catalog could not be written to disk: it is read-only'
  })
  breakDisk(Object.assign(new Error('NOT NULL constraint failed'), { code: 'ERR_SQLITE_ERROR', errcode: 1299 }))
  await t.throwsAsync(stage('a', 0), { code: 'INTERNAL', message: 'the catalog could not be written to disk' })
})

test('what the disk refuses is neither read nor told, and its writer hears of it', async (t) => {
  const { committed, stage, table, breakDisk, writer } = setUp()
  await stage('a', 0)
  breakDisk()
  await t.throwsAsync(stage('a', 1), { code: 'INTERNAL' })
  t.is(table.get('function/a')?.time.counter, 0)
  t.is(writer.current('function/a')?.time.counter, 0)
  t.is(committed.length, 1)
})

test('closing writes what waits and takes no more', async (t) => {
  const { commits, stage, writer } = setUp()
  const write = stage('a', 0)
  writer.close()
  await write
  t.is(commits.length, 1)
  t.throws(() => void stage('b', 0), { code: 'UNAVAILABLE' })
  await settle()
  t.is(commits.length, 1)
})
