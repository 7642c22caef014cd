import { gzipSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { JOB, RESUME } from '../src/bridge-operations.ts'
import { GuestJobs, type GuestJobsOptions } from '../src/guest-jobs.ts'
import { ZlibShelf } from '../src/hosted-zlib.ts'
import { webCrypto } from '../src/web-crypto.ts'

interface Told {
  id: number
  status: number
  text: string
}

function jobs(): { made: GuestJobs; told: Told[]; settled: (count: number) => Promise<void> } {
  const told: Told[] = []
  let check: () => void = () => undefined
  class ExternalCopy {
    copyInto(): undefined {
      return undefined
    }
  }
  const options = {
    services: {
      addon: { ExternalCopy },
      egress: { open: () => 1, abort: () => undefined, write: () => undefined, credit: () => undefined }
    },
    instance: 1,
    resume: ([id, status, text]: [number, number, string]) => {
      told.push({ id, status, text })
      check()
    },
    log: () => undefined,
    leftMs: () => 1_000
  } as unknown as GuestJobsOptions
  const settled = (count: number) =>
    new Promise<void>((resolve) => {
      check = () => {
        if (told.length >= count) resolve()
      }
      check()
    })
  return { made: new GuestJobs(options), told, settled }
}

test('property: whatever guest code asks for is answered once, by name and message, and never thrown at', async (t) => {
  const json = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        op: fc.constantFrom('digest', 'importKey', 'sign', '__proto__', 'x'),
        algorithm: fc.anything(),
        data: fc.anything()
      })
      .map((value) => JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))),
    fc
      .record({ stream: fc.nat(3), kind: fc.constantFrom('gzip', 'gunzip', 'constructor'), end: fc.boolean() })
      .map((value) => JSON.stringify(value)),
    fc
      .record({
        method: fc.string(),
        url: fc.string(),
        redirect: fc.constant('follow'),
        bodyBytes: fc.integer(),
        headers: fc.anything()
      })
      .map((value) => JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item)))
  )
  const order = fc.tuple(
    fc.constantFrom(JOB.CRYPTO, JOB.ZLIB, 99),
    fc.oneof(json, fc.anything()),
    fc.oneof(fc.uint8Array(), fc.anything())
  )
  await fc.assert(
    fc.asyncProperty(fc.array(order, { minLength: 1, maxLength: 20 }), async (orders) => {
      const { made, told, settled } = jobs()
      orders.forEach(([operation, text, bytes], index) => {
        made.start(index + 1, operation, text, bytes)
      })
      await settled(orders.length)
      const ids = told.map(({ id }) => id).sort((a, b) => a - b)
      if (ids.some((id, index) => id !== index + 1)) throw new Error(`answered ${ids}`)
      for (const { status, text } of told) {
        if (status === RESUME.FAILED && typeof (JSON.parse(text) as { message: unknown }).message !== 'string')
          throw new Error(text)
      }
      made.dispose()
    }),
    { seed: 3, numRuns: 150 }
  )
  t.pass()
})

test('a bomb unfolds piece by piece', async (t) => {
  const shelf = new ZlibShelf()
  const bomb = gzipSync(Buffer.alloc(8_388_608))
  let step = await shelf.step(JSON.stringify({ stream: 1, kind: 'gunzip', end: true }), bomb)
  let total = step.bytes?.length ?? 0
  let largest = total
  while (step.text === 'more') {
    step = await shelf.step(JSON.stringify({ stream: 1, end: true }), undefined)
    largest = Math.max(largest, step.bytes?.length ?? 0)
    total += step.bytes?.length ?? 0
  }
  t.is(total, 8_388_608)
  t.true(largest <= 262_144 + 16_384, `${largest} bytes in one step`)
})

test('a key crosses with each operation, and places outside of what came along are refused', async (t) => {
  const key = { kind: 'secret', data: [0, 16], algorithm: { name: 'HMAC', hash: { name: 'SHA-256' } }, usages: ['sign'] }
  const order = { op: 'sign', algorithm: 'HMAC', key, data: [16, 3] }
  const { bytes } = await webCrypto(JSON.stringify(order), new Uint8Array(19))
  t.is(bytes?.length, 32)
  for (const data of [[16, 4], [-1, 2], [0, 1e9], ['0', 1], null, {}]) {
    await t.throwsAsync(webCrypto(JSON.stringify({ ...order, data }), new Uint8Array(19)), { instanceOf: TypeError })
  }
  await t.throwsAsync(webCrypto(JSON.stringify({ op: 'constructor' })), { name: 'NotSupportedError' })
})
