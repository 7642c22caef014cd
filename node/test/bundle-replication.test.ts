import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cidOf, createBlockExchange, createBlockStore } from '@peerless/bundle'
import type { Catalog } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { BundleReplication } from '../src/bundle-replication.ts'

const bytesOf = (text: string) => Buffer.from(text)

/** Nodes of one mesh, and a catalog that all of them have, of what the test says. */
function setUp(t: ExecutionContext) {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const network = new MemoryNetwork(random)
  const layers: unknown[] = []
  const changes: ((kind: string) => void)[] = []
  const catalog = {
    list: (kind: string) => (kind === 'layerVersion' ? layers : []),
    onChange: (listener: (kind: string) => void) => {
      changes.push(listener)
      return () => undefined
    }
  } as unknown as Catalog
  const node = async (peerId: string) => {
    const directory = await mkdtemp(join(tmpdir(), 'peerless-replication-'))
    const logger = new MemoryLogger()
    const mesh = network.join(peerId)
    const store = await createBlockStore({ directory, logger })
    const { fetch } = createBlockExchange({ mesh, store, clock, random, logger })
    const replication = new BundleReplication({ mesh, catalog, store, fetch, clock, logger })
    t.teardown(async () => {
      replication.stop()
      await rm(directory, { recursive: true })
    })
    return { store, logger, replication }
  }
  /** The catalog names it from now on. */
  const name = async (text: string) => {
    const zipCid = await cidOf(bytesOf(text))
    layers.push({ name: text, zipCid, zipBytes: bytesOf(text).length })
    for (const changed of changes) changed('layerVersion')
    return zipCid
  }
  return { clock, network, node, name }
}

/** Disks take their own time. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !holds(); turn++) await settle()
}

test('code that no node has any more does not hold up what comes after it', async (t) => {
  const { node, name } = setUp(t)
  const [a, b] = [await node('a'), await node('b')]
  for (const lost of ['lost 1', 'lost 2', 'lost 3']) await name(lost)
  await a.store.write(bytesOf('new'))
  b.replication.start()
  const cid = await name('new')
  await until(() => b.store.has(cid))
  t.true(b.store.has(cid), 'without any time having passed')
})

test('code whose only node was away is asked for as soon as it comes', async (t) => {
  const { node, name, network, clock } = setUp(t)
  const [a, b] = [await node('a'), await node('b')]
  network.partition(['a'], ['b'])
  const cid = await a.store.write(bytesOf('away'))
  await name('away')
  b.replication.start()
  await clock.advance(600_000)
  t.false(b.store.has(cid))
  const told = b.logger.lines.filter(({ level }) => level === 'warn').length
  t.is(told, 1, 'and it is said once that it cannot be pulled yet')
  network.heal()
  await until(() => b.store.has(cid))
  t.true(b.store.has(cid))
})
