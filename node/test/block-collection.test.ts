import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBlockStore } from '@peerless/bundle'
import type { Catalog } from '@peerless/interface'
import { MemoryLogger, settle, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { BlockCollection } from '../src/block-collection.ts'

const MINUTE_MS = 60_000
const bytesOf = (text: string) => Buffer.from(text)

/** A store on disk, and a catalog of what the test says. */
async function setUp(t: ExecutionContext) {
  const directory = await mkdtemp(join(tmpdir(), 'peerless-collection-'))
  const logger = new MemoryLogger()
  const clock = new VirtualClock()
  const store = await createBlockStore({ directory, logger })
  const code = (zip: string, bundle: string) => ({ zipCid: zip, zipBytes: 1, zipSha256: '', bundleCid: bundle, bundleBytes: 1 })
  const named: Record<string, unknown[]> = { function: [], version: [], layerVersion: [] }
  const catalog = { list: (kind: string) => named[kind] } as unknown as Catalog
  const collection = new BlockCollection({ catalog, store, clock, logger })
  t.teardown(async () => {
    collection.stop()
    await rm(directory, { recursive: true })
  })
  /** Time passes, and what falls due then has been done on the disk. */
  const minutes = async (count: number) => {
    for (let minute = 0; minute < count; minute++) await clock.advance(MINUTE_MS)
  }
  return { logger, store, named, code, minutes, write: (text: string) => store.write(bytesOf(text)) }
}

test('blocks that nothing names are removed after an hour, the others stay', async (t) => {
  const { store, named, code, minutes, write, logger } = await setUp(t)
  const [zip, bundle, used, oldZip, oldBundle, layer, gone] = await Promise.all(
    ['zip', 'bundle', 'used', 'old zip', 'old bundle', 'layer', 'gone'].map(write)
  )
  // The version of the layer that it has is gone, and was not noted of another.
  const layers = [
    { arn: 'arn:used', zipBytes: 4, zipCid: used },
    { arn: 'arn:unknown', zipBytes: 4 }
  ]
  named.function = [{ name: 'f', latest: { code: code(zip as string, bundle as string), layers } }]
  named.version = [{ functionName: 'f', version: { code: code(oldZip as string, oldBundle as string) } }]
  named.layerVersion = [{ name: 'l', zipCid: layer, zipBytes: 1 }]
  await minutes(65)
  t.true(store.has(gone as string))
  await minutes(10)
  t.false(store.has(gone as string))
  t.deepEqual(store.list().sort(), [zip, bundle, used, oldZip, oldBundle, layer].sort())
  while (logger.lines.length === 0) await settle()
  t.like(logger.lines[0], { level: 'info', fields: { blocks: 1 } })
  named.version = []
  named.layerVersion = []
  await minutes(75)
  t.deepEqual(store.list().sort(), [zip, bundle, used].sort())
})

test('a block that is written again, or named again, has its hour again', async (t) => {
  const { store, named, code, minutes, write } = await setUp(t)
  const [again, back] = (await Promise.all([write('again'), write('back')])) as [string, string]
  await minutes(55)
  // As a deploy of the same code does, before it names it.
  await write('again')
  named.function = [{ name: 'f', latest: { code: code(back, back) } }]
  await minutes(20)
  named.function = []
  await minutes(40)
  t.true(store.has(again))
  t.true(store.has(back))
  await minutes(40)
  t.false(store.has(again))
  t.false(store.has(back))
})

test('what is named while nobody looked is not removed', async (t) => {
  const { store, named, code, minutes, write } = await setUp(t)
  const cid = await write('late')
  await minutes(69)
  named.function = [{ name: 'f', latest: { code: code(cid, cid) } }]
  await minutes(100)
  t.true(store.has(cid))
})
