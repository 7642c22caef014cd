import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { QueueStore } from '../src/store.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const BYTES = Buffer.from('bytes')

test('a dead letter that was buried stays so where its end is heard later', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-queue-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const early of [false, true]) {
    const store = new QueueStore(join(folder, `${early}.sqlite`))
    t.teardown(() => store.close())
    const end = () => store.commit([['settle', ID, 1_000, BYTES, true]])
    store.commit([['put', ID, 'owner', BYTES, BYTES]])
    if (!early) end()
    store.commit([['bury', ID]])
    // What is not settled here may have to be taken over yet.
    t.is(store.load().length, early ? 1 : 0)
    if (early) end()
    t.deepEqual(store.dead(10, undefined), [])
    t.is(store.deadCount(), 0)
    t.deepEqual(store.load(), [])
    t.deepEqual(store.settled([ID]), [ID], 'its result is kept')
  }
})
