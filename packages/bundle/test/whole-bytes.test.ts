import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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
    t.true((await readWhole(path)).equals(bytes), `${length}`)
  }
  await t.throwsAsync(readWhole(join(folder, 'absent')), { code: 'ENOENT' })
})
