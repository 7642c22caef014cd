import { createHash } from 'node:crypto'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { readWhole, sha256Of } from '../src/index.ts'

const SLICE_BYTES = 524_288

test('bytes of every length around a slice hash and read as they are', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-whole-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const length of [0, 1, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 2 * SLICE_BYTES, 3 * SLICE_BYTES + 7]) {
    const bytes = Buffer.alloc(length, `${length} `)
    t.deepEqual(await sha256Of(bytes), createHash('sha256').update(bytes).digest())
    const path = join(folder, String(length))
    await writeFile(path, bytes)
    t.true((await readWhole(path, length)).equals(bytes), `${length}`)
  }
  await t.throwsAsync(readWhole(join(folder, 'absent'), 1), { code: 'ENOENT' })
})

test('of a file that somebody made larger than it may be no more is read than shows that', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-whole-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'grown')
  await writeFile(path, 'a')
  // A hole: it takes no room on the disk.
  await truncate(path, 1_099_511_627_776)
  t.is((await readWhole(path, 1_000)).length, 1_001)
})
