import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLogger } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { cidOf, createBlockStore, isBlockCid } from '../src/index.ts'

async function folderFor(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'peerless-blocks-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const logger = new MemoryLogger()
const hello = Buffer.from('hello')
/** `ipfs add --cid-version=1 --raw-leaves` of the five bytes gives the same. */
const HELLO_CID = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'

test('the name of bytes is their CIDv1, raw, sha2-256, base32, whatever their size', async (t) => {
  t.is(await cidOf(hello), HELLO_CID)
  const large = new Uint8Array(300_000).fill(7)
  const cid = await cidOf(large)
  t.true(isBlockCid(cid))
  t.not(cid, await cidOf(large.subarray(1)))
})

test('only that one spelling names a block', (t) => {
  t.true(isBlockCid(HELLO_CID))
  const others = [
    '',
    '..',
    '../x',
    `${HELLO_CID}/..`,
    HELLO_CID.toUpperCase(),
    ` ${HELLO_CID}`,
    HELLO_CID.slice(1),
    `${HELLO_CID}a`,
    undefined,
    5,
    'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
    'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
    'zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA'
  ]
  for (const other of others) t.false(isBlockCid(other), String(other))
})

test('blocks outlive the store that wrote them', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  t.false(store.has(HELLO_CID))
  t.is(await store.read(HELLO_CID), undefined)
  t.is(await store.write(hello), HELLO_CID)
  t.is(await store.write(hello), HELLO_CID)
  t.true(store.has(HELLO_CID))
  const again = await createBlockStore({ directory, logger })
  t.true(again.has(HELLO_CID))
  t.deepEqual(Buffer.from((await again.read(HELLO_CID)) ?? []), hello)
  t.deepEqual(await readdir(directory), [HELLO_CID])
})

test('every block written is read as it was, also when written many at a time and twice', async (t) => {
  const store = await createBlockStore({ directory: await folderFor(t), logger })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), async (blocks) => {
      const cids = await Promise.all([...blocks, ...blocks].map((bytes) => store.write(bytes)))
      for (const [index, bytes] of blocks.entries()) {
        t.deepEqual(Buffer.from((await store.read(cids[index] ?? '')) ?? []), Buffer.from(bytes))
      }
    }),
    { seed: 21, numRuns: 15 }
  )
})

test('a block that is written again while it is removed is there afterwards', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  for (let round = 0; round < 50; round++) {
    await store.write(hello)
    // Writes hash first, so they come to the file while the removal is under way.
    await Promise.all([store.write(hello), store.remove(HELLO_CID), store.write(hello)])
    if (!store.has(HELLO_CID)) await store.write(hello)
    t.deepEqual(Buffer.from((await store.read(HELLO_CID)) ?? []), hello)
    await store.remove(HELLO_CID)
  }
})

test('all blocks are listed, and who listens is told of each write, of what is there already too', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  const written: string[] = []
  const end = store.onWrite((cid) => written.push(cid))
  await store.write(hello)
  await store.write(hello)
  end()
  const other = await store.write(Buffer.from('other'))
  t.deepEqual(written, [HELLO_CID, HELLO_CID])
  t.deepEqual(store.list().sort(), [HELLO_CID, other].sort())
  t.deepEqual((await createBlockStore({ directory, logger })).list().sort(), store.list().sort())
})

test('a removed block is gone, and removing it again is no error', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  await store.write(hello)
  await store.remove(HELLO_CID)
  await store.remove(HELLO_CID)
  await store.remove('../../etc/passwd')
  t.false(store.has(HELLO_CID))
  t.deepEqual(await readdir(directory), [])
})

test('a corrupt block is set aside, told of once, and can be written again', async (t) => {
  const directory = await folderFor(t)
  const lines = new MemoryLogger()
  const store = await createBlockStore({ directory, logger: lines })
  await store.write(hello)
  await truncate(join(directory, HELLO_CID), 3)
  await t.throwsAsync(store.read(HELLO_CID), { code: 'CORRUPT', message: /3 bytes hashes to bafkrei/ })
  t.is(lines.lines.at(-1)?.level, 'error')
  t.false(store.has(HELLO_CID))
  t.is(await store.read(HELLO_CID), undefined)
  t.is(await readFile(join(directory, `${HELLO_CID}.corrupt`), 'utf8'), 'hel')
  await store.write(hello)
  t.deepEqual(Buffer.from((await store.read(HELLO_CID)) ?? []), hello)
})

test('who writes a block again mends a file that is corrupt or gone, though nobody has read it yet', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger: new MemoryLogger() })
  await store.write(hello)
  const file = join(directory, HELLO_CID)
  for (const damage of [() => writeFile(file, 'hellO'), () => truncate(file, 0), () => rm(file)]) {
    await damage()
    t.deepEqual(await Promise.all([store.write(hello), store.write(hello)]), [HELLO_CID, HELLO_CID])
    t.deepEqual(await readFile(file), hello)
    t.deepEqual(Buffer.from((await store.read(HELLO_CID)) ?? []), hello)
  }
})

test('those who find a corrupt file at the same time as it is written again do not set the new one aside', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger: new MemoryLogger() })
  await store.write(hello)
  for (let round = 0; round < 20; round++) {
    await writeFile(join(directory, HELLO_CID), 'hellO')
    const reads = Array.from({ length: 4 }, () => store.read(HELLO_CID))
    const [write] = await Promise.allSettled([store.write(hello), ...reads])
    t.is(write.status, 'fulfilled')
    t.deepEqual(Buffer.from((await store.read(HELLO_CID)) ?? []), hello)
  }
})

test('a file that vanished is a block that is not here', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  await store.write(hello)
  await rm(join(directory, HELLO_CID))
  t.is(await store.read(HELLO_CID), undefined)
  t.false(store.has(HELLO_CID))
})

test('what a crash left is removed at the next start; files of others are not touched', async (t) => {
  const directory = await folderFor(t)
  await writeFile(join(directory, `.tmp-0-${HELLO_CID}`), 'he')
  await writeFile(join(directory, 'notes.txt'), 'mine')
  const store = await createBlockStore({ directory, logger })
  t.false(store.has(HELLO_CID))
  t.deepEqual(await readdir(directory), ['notes.txt'])
})

test('when the disk refuses, the block is not there and nothing is left', async (t) => {
  const directory = await folderFor(t)
  const store = await createBlockStore({ directory, logger })
  await rm(directory, { recursive: true })
  await t.throwsAsync(store.write(hello), { code: 'INTERNAL', message: /block bafkrei\w+ of 5 bytes could not be written/ })
  t.false(store.has(HELLO_CID))
})

test('a block over the bound is refused', async (t) => {
  const store = await createBlockStore({ directory: await folderFor(t), logger })
  await t.throwsAsync(store.write(new Uint8Array(67_108_865)), { code: 'TOO_LARGE', message: /67108865 bytes exceeds 67108864/ })
})
