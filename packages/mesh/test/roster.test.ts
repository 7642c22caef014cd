import { MemoryLogger, SeededRandom, VirtualClock } from '@peerless/testing'
import { decode, signerOf } from '@peerless/wire'
import test from 'ava'
import { EXCHANGE_PERIOD_MS } from '../src/constants.ts'
import { Directory } from '../src/directory.ts'
import { foundMesh } from '../src/identity.ts'
import { MemberBook } from '../src/member-book.ts'
import type { PeerLink } from '../src/peer-link.ts'
import { RemovalRoster } from '../src/removal-roster.ts'
import { Roster } from '../src/roster.ts'
import { temporaryFolder } from './_nodes.ts'

test('a node whose machine gets other addresses while it runs tells them, and nothing where they stay', async (t) => {
  const clock = new VirtualClock()
  const random = new SeededRandom(20261130)
  const logger = new MemoryLogger()
  const directory = new Directory(await temporaryFolder(t))
  const seed = random.bytes(32)
  const signer = signerOf(seed)
  const identity = await foundMesh(directory, random, { seed, signer }, { name: 'laptop', issuedAt: clock.now() })
  const told: Uint8Array[] = []
  const wire = { notify: (_type: number, _header: unknown, payload: Uint8Array) => told.push(payload), request: () => undefined }
  const links = () => [{ peerId: 'peer', bulk: { wire } } as unknown as PeerLink]
  const { meshId } = identity
  const removals = new RemovalRoster({ meshId, directory, logger, links: () => [], onNews: () => undefined })
  const roster = new Roster({
    directory,
    signer,
    identity,
    clock,
    random,
    logger,
    links,
    isConnected: () => true,
    removals,
    whereabouts: undefined,
    onNews: () => undefined
  })
  t.teardown(() => roster.stop())
  const at = (host: string) => `/ip4/${host}/tcp/4001/p2p/${signer.peerId}`
  let addresses = [at('192.0.2.1'), at('127.0.0.1')]
  roster.start(() => [...addresses])
  t.is(told.length, 1)

  addresses = [at('127.0.0.1'), at('192.0.2.1')]
  await clock.advance(2 * EXCHANGE_PERIOD_MS)
  t.is(told.length, 1, 'the same in another order')

  addresses = [at('198.51.100.7'), at('127.0.0.1')]
  await clock.advance(2 * EXCHANGE_PERIOD_MS)
  t.is(told.length, 2)
  const others = new MemberBook(meshId, () => false)
  for (const payload of told) others.unpack(decode(payload, 'members'))
  t.deepEqual(others.get(signer.peerId)?.record?.addresses, addresses)
})
