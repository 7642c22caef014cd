import { encode } from '@peerless/wire'
import test from 'ava'
import { Admission, type AdmissionOptions } from '../src/admission.ts'
import { ACCOUNT_SHARE, ENTRIES_BYTES_MAX, ENTRIES_MAX } from '../src/constants.ts'
import { accountOf, decodeContent, type Entry, encodeContent } from '../src/entry.ts'
import { EntryTable } from '../src/entry-table.ts'
import { accessKey, functionRecord, nodeRecord, signer, TestMesh } from './_kit.ts'

const ENTRIES = ENTRIES_MAX * ACCOUNT_SHARE
const VALUE = {} as Entry['value']

function entry(name: string, account: string | undefined, change: Partial<Entry> = {}): Entry {
  const key = `trigger/${name}`
  return {
    key,
    bucket: 0,
    kind: 'trigger',
    name,
    time: { ms: 0, counter: 0 },
    author: '',
    hash: name,
    value: VALUE,
    account,
    bytes: 100,
    ...change
  }
}

/** An admission over a table in which account `loud` has so many entries. */
function full(count: number, change: Partial<Entry> = {}) {
  const table = new EntryTable()
  for (let number = 0; number < count; number++) table.set(entry(`own${number}`, 'loud', change))
  return { table, admission: new Admission({ table } as unknown as AdmissionOptions) }
}

test('an account adds no more entries than its share, and leaves the others theirs', (t) => {
  const { table, admission } = full(ENTRIES - 1)
  t.notThrows(() => admission.checkShare(entry('more', 'loud')))
  table.set(entry('more', 'loud'))
  t.throws(() => admission.checkShare(entry('another', 'loud')), {
    code: 'TOO_LARGE',
    message: /account 'loud' has 50000 entries .*at most 50000 entries/
  })
  t.notThrows(() => admission.checkShare(entry('another', 'quiet')))
  t.notThrows(() => admission.checkShare(entry('key', undefined)))
})

test('what it has it may still change and remove', (t) => {
  const { table, admission } = full(ENTRIES)
  t.notThrows(() => admission.checkShare(entry('own1', 'loud')))
  t.notThrows(() => admission.checkShare(entry('own1', 'loud', { value: undefined })))
  table.delete(entry('own2', 'loud'))
  t.notThrows(() => admission.checkShare(entry('another', 'loud')))
})

test('what it removed counts for as long as it is remembered', (t) => {
  const { table, admission } = full(ENTRIES)
  for (let number = 0; number < 100; number++) table.set(entry(`own${number}`, 'loud', { value: undefined }))
  t.throws(() => admission.checkShare(entry('another', 'loud')), { code: 'TOO_LARGE' })
  // A name that another account takes is that one's.
  table.set(entry('own1', 'quiet'))
  t.notThrows(() => admission.checkShare(entry('another', 'loud')))
})

test('nor more bytes than its share', (t) => {
  const large = ENTRIES_BYTES_MAX / 2_048
  const { admission } = full(2_048 * ACCOUNT_SHARE, { bytes: large })
  t.throws(() => admission.checkShare(entry('another', 'loud', { bytes: 1 })), {
    code: 'TOO_LARGE',
    message: /at most 134217728 bytes/
  })
  t.throws(() => admission.checkShare(entry('own1', 'loud', { bytes: large + 1 })), { code: 'TOO_LARGE' })
  t.notThrows(() => admission.checkShare(entry('own1', 'loud', { bytes: large })))
  t.notThrows(() => admission.checkShare(entry('another', 'quiet', { bytes: large })))
})

test('a tombstone says whose entry it was, on every node and after a start', async (t) => {
  const mesh = new TestMesh(t)
  const [one, other] = [await mesh.node(1), await mesh.node(2)]
  await one.catalog.put('function', 'f', functionRecord('f'))
  await mesh.advance(1_000)
  await other.catalog.remove('function', 'f')
  await mesh.advance(1_000)
  t.is(one.catalog.digest(), other.catalog.digest())
  t.is(one.catalog.get('function', 'f'), undefined)
  await one.stop()
  const again = await mesh.node(1, { directory: one.directory })
  t.is(again.catalog.digest(), other.catalog.digest())
  const { account } = functionRecord('f')
  const content = { kind: 'function', name: 'f', time: { ms: 1, counter: 0 }, stored: null, account } as const
  t.deepEqual(decodeContent(encodeContent(content)), content)
})

test('one that does not say it, of an earlier version, is still read', async (t) => {
  const content = { kind: 'function', name: 'f', time: { ms: 1, counter: 0 }, stored: null } as const
  t.deepEqual(Buffer.from(encodeContent(content)), Buffer.from(encode([1, 'function', 'f', 1, 0, null])))
  t.like(decodeContent(encodeContent(content)), { name: 'f', stored: null, account: undefined })
})

test('a value can not be charged to another account than its own', (t) => {
  const stored = functionRecord('f')
  const content = { kind: 'function', name: 'f', time: { ms: 1, counter: 0 }, stored, account: 'other' } as const
  t.is(decodeContent(encode([1, 'function', 'f', 1, 0, stored, 'other'])).account, undefined)
  t.deepEqual(decodeContent(encodeContent(content)).stored, decodeContent(encode([1, 'function', 'f', 1, 0, stored])).stored)
})

test('access keys and nodes take nothing of the share of the account that they name', (t) => {
  t.is(accountOf('key', accessKey()), undefined)
  t.is(accountOf('node', nodeRecord(signer(1).peerId)), undefined)
  t.is(accountOf('function', functionRecord('f')), 'acme')
})
