import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { ADMISSIONS_PENDING_MAX } from '../src/constants.ts'
import { PendingAdmissions } from '../src/pending-admissions.ts'
import { RefusalLog } from '../src/refusal-log.ts'

/** An accepted socket, as far as it is looked at. */
function socketFrom(address: string, aborted: string[]): MultiaddrConnection {
  const socket = Object.assign(new EventTarget(), {
    remoteAddr: multiaddr(`${address}/tcp/1`),
    abort: () => aborted.push(address),
    onData: () => undefined
  })
  return socket as unknown as MultiaddrConnection
}

test('one that has a whole network of IPv6 to itself takes the places of nobody else', (t) => {
  const clock = new VirtualClock()
  const pending = new PendingAdmissions(clock, new RefusalLog(clock, new MemoryLogger()))
  const aborted: string[] = []
  for (const other of ['/ip6/2001:db8:1::5', '/ip6/2001:db8::7', '/ip6/::1', '/ip4/192.0.2.1'])
    pending.add(socketFrom(other, aborted))
  for (let index = 1; index <= 2 * ADMISSIONS_PENDING_MAX; index++) {
    pending.add(socketFrom(`/ip6/2001:db8:2:3:${index.toString(16)}::1`, aborted))
  }
  t.is(pending.size, ADMISSIONS_PENDING_MAX)
  t.is(aborted.length, ADMISSIONS_PENDING_MAX + 4)
  t.true(aborted.every((address) => address.startsWith('/ip6/2001:db8:2:3:')))
})
