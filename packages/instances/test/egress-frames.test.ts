import type { Egress, EgressListener, EgressOrder } from '@peerless/interface'
import { EXECUTOR_MESSAGE } from '@peerless/sandbox'
import test from 'ava'
import fc from 'fast-check'
import { ExecutorEgress, hostsOf } from '../src/executor-egress.ts'

const ORIGIN = { account: 'acme', functionName: 'fn', instance: 'i1', hosts: undefined }

function make() {
  const orders: EgressOrder[] = []
  const listeners: EgressListener[] = []
  const sent: [number, unknown][] = []
  let aborted = 0
  const egress: Egress = {
    open(order, listener) {
      orders.push(order)
      listeners.push(listener)
      return { write: () => undefined, credit: () => undefined, abort: () => aborted++ }
    }
  }
  const frames = new ExecutorEgress({
    egress,
    originOf: (instance) => (instance === 7 ? ORIGIN : undefined),
    notify: (type, header) => sent.push([type, header])
  })
  return { frames, orders, listeners, sent, aborted: () => aborted }
}

const head = (exchange: number, instance = 7) => [exchange, instance, 100, 'GET', 'http://h/', ['a', 'b'], 'follow', 0, true]

test('an executor speaks for its own instances only, and by what the daemon knows of them', (t) => {
  const { frames, orders } = make()
  frames.take(EXECUTOR_MESSAGE.EGRESS_OPEN, head(1), new Uint8Array(0))
  t.like(orders[0], { account: 'acme', functionName: 'fn', method: 'GET', timeoutMs: 100 })
  frames.take(EXECUTOR_MESSAGE.EGRESS_OPEN, head(2, 8), new Uint8Array(0))
  t.is(orders.length, 1, 'instance 8 is not there')
  t.throws(() => frames.take(EXECUTOR_MESSAGE.EGRESS_OPEN, head(1), new Uint8Array(0)), { code: 'MALFORMED' })
})

test('an instance that goes takes its requests along, an executor all of them', (t) => {
  const { frames, aborted } = make()
  for (const exchange of [1, 2, 3]) frames.take(EXECUTOR_MESSAGE.EGRESS_OPEN, head(exchange), new Uint8Array(0))
  frames.closeInstance(9)
  t.is(aborted(), 0)
  frames.closeInstance(7)
  t.is(aborted(), 3)
  frames.take(EXECUTOR_MESSAGE.EGRESS_OPEN, head(4), new Uint8Array(0))
  frames.closeAll()
  t.is(aborted(), 4)
  t.is(frames.size, 0)
})

test('property: whatever a compromised executor sends is taken, or refused as malformed', (t) => {
  const member = fc.oneof(
    fc.anything(),
    fc.constantFrom(1, 7, -1, Number.NaN, 1e300, 'GET', 'follow', 'http://h/', true, null, undefined),
    fc.array(fc.oneof(fc.string(), fc.anything()), { maxLength: 4 })
  )
  const header = fc.oneof(
    fc.anything(),
    fc.array(member, { maxLength: 10 }),
    fc.tuple(fc.nat(3), fc.constant(7), member, member, member)
  )
  const whole = fc.tuple(fc.nat(5), fc.constantFrom(7, 8), member, member, member, member, member, member, member)
  const type = fc.constantFrom(
    EXECUTOR_MESSAGE.EGRESS_OPEN,
    EXECUTOR_MESSAGE.EGRESS_WRITE,
    EXECUTOR_MESSAGE.EGRESS_CREDIT,
    EXECUTOR_MESSAGE.EGRESS_ABORT
  )
  const { frames, listeners } = make()
  fc.assert(
    fc.property(type, fc.oneof(header, whole), fc.uint8Array({ maxLength: 64 }), (kind, alleged, payload) => {
      try {
        frames.take(kind, alleged, payload)
      } catch (error) {
        if ((error as { code?: string }).code !== 'MALFORMED') throw error
      }
      // What comes back late, for an exchange that is gone, hurts nobody.
      const last = listeners.at(-1)
      last?.pull(1)
      last?.failed({ rule: 'x', message: 'y', denied: false })
    }),
    { seed: 3, numRuns: 5_000 }
  )
  t.pass()
})

test('hosts that a function leaves itself', (t) => {
  t.is(hostsOf({}), undefined)
  t.is(hostsOf({ PEERLESS_EGRESS: '*' }), undefined)
  t.deepEqual(hostsOf({ PEERLESS_EGRESS: 'none' }), [])
  t.deepEqual(hostsOf({ PEERLESS_EGRESS: '' }), [])
  t.deepEqual(hostsOf({ PEERLESS_EGRESS: ' API.example.com, *.example.org ' }), ['api.example.com', '*.example.org'])
})
