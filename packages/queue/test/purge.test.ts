import { MESSAGE } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { encodeMeta } from '../src/event.ts'
import { encodeDead } from '../src/messages.ts'
import { TestMesh } from './_nodes.ts'

test('a purge ends though a peer has ever new dead letters', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  let told = 0
  mesh.network.join('liar').handle(MESSAGE.QUEUE_ASK, (_peer, request) => {
    if ((request.header as unknown[])[0] !== 'dead') {
      request.reply(undefined)
      return
    }
    const id = `00000000-0000-4000-8000-${String(++told).padStart(12, '0')}`
    const event = {
      id,
      target: { functionName: 'f', qualifier: undefined },
      account: 'default',
      acceptedAt: 0,
      clientContext: undefined,
      invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
      lineage: { root: id, hops: {} },
      deliveryOf: undefined,
      note: undefined
    }
    const meta = encodeMeta({ event, state: { term: 0, starts: 1, failures: 1, notBefore: 0, holders: [] } })
    request.reply(undefined, encodeDead([[id, null, meta, 2, null]]))
  })
  t.is(await a.queue.purge({}), 20)
})
