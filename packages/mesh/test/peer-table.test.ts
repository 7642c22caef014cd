import { MemoryLogger, realClock } from '@peerless/testing'
import test from 'ava'
import type { MeshLibp2p } from '../src/libp2p-node.ts'
import { PeerTable } from '../src/peer-table.ts'

test('a peer that was removed between its admission and its first stream gets no link', async (t) => {
  const events = new EventTarget()
  const libp2p = { addEventListener: events.addEventListener.bind(events), handle: async () => undefined }
  const table = new PeerTable({
    clock: realClock,
    logger: new MemoryLogger(),
    draining: () => false,
    isMember: (peerId) => peerId !== 'removed',
    onUnlinked: () => t.fail()
  })
  await table.attach(libp2p as unknown as MeshLibp2p)
  t.teardown(() => table.detach())
  const aborted: string[] = []
  const connection = (peerId: string) => ({
    remotePeer: peerId,
    status: 'closed',
    abort: (error: Error) => aborted.push(`${peerId}: ${(error as Error & { code: string }).code}`)
  })
  const told = (type: string, detail: object) => events.dispatchEvent(Object.assign(new Event(type), { detail }))
  const removed = connection('removed')
  told('connection:open', removed)
  told('connection:open', connection('member'))
  told('connection:close', removed)
  t.deepEqual([...table.links.keys()], ['member'])
  t.deepEqual(aborted, ['removed: NOT_A_MEMBER'])
})
