import test from 'ava'
import fc from 'fast-check'
import { checkFronts, coresOf, furtherFronts, shareOf } from '../src/front-orders.ts'
import type { NodeOptions } from '../src/options.ts'

const OPTIONS: NodeOptions = {
  dataDirectory: '/data',
  http: { host: '127.0.0.1', port: 0 },
  listen: ['/ip4/192.0.2.1/tcp/4001', '/ip6/::/tcp/0'],
  join: 'token',
  fronts: 3,
  accountId: '000000000000',
  allowEgress: ['127.0.0.0/8'],
  sample: true,
  json: true
}

test('each further front has its folder, its ports and its share, and what else the machine was told', (t) => {
  const orders = furtherFronts(OPTIONS, {
    machine: 'first',
    name: 'ada',
    httpPort: 8_787,
    firstPort: 9_999,
    slots: 7,
    memoryMb: 1_000
  })
  t.deepEqual(
    orders.map(({ dataDirectory, listen, slots, memoryMb, front }) => ({ dataDirectory, listen, slots, memoryMb, front })),
    [2, 3].map((number) => ({
      dataDirectory: `/data/fronts/${number}`,
      listen: [`/ip4/192.0.2.1/tcp/${4_000 + number}`, '/ip6/::/tcp/0'],
      slots: 2,
      memoryMb: 333,
      front: { number, count: 3, machine: 'first', firstPort: 9_999 }
    }))
  )
  for (const order of orders) {
    t.like(order, { http: { host: '127.0.0.1', port: 8_787 }, name: 'ada', allowEgress: ['127.0.0.0/8'], json: true })
    t.is(order.fronts, undefined)
    t.is(order.sample, undefined)
    t.is(order.join, undefined)
  }
})

test('property: shares add up to the whole, and differ by one at most', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 64 }), (total, count) => {
      const shares = Array.from({ length: count }, (_, index) => shareOf(total, index + 1, count))
      t.is(
        shares.reduce((sum, share) => sum + share, 0),
        total
      )
      t.true(Math.max(...shares) - Math.min(...shares) <= 1)
    })
  )
})

test('fronts that would have too little memory are refused', (t) => {
  checkFronts(1, 100)
  checkFronts(4, 1_024)
  t.throws(() => checkFronts(4, 1_023), { code: 'INVALID_ARGUMENT', message: /4 fronts would have 255 MB each of the 1023 MB/ })
})

test('fronts share the cores; one alone takes what instances take by themselves', (t) => {
  t.deepEqual(coresOf(1, 2), {})
  t.deepEqual(coresOf(2, 2), { cores: 1, executorsPerAccountMax: 1 })
  t.deepEqual(coresOf(4, 16), { cores: 4 })
  t.deepEqual(coresOf(8, 2), { cores: 1, executorsPerAccountMax: 1 })
})
