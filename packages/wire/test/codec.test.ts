import test from 'ava'
import fc from 'fast-check'
import { decode, encode } from '../src/index.ts'

const FUZZ_SEED = 20261124

test('what encode writes is read back', (t) => {
  const numbers = [0, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER, -1, -300, -(2 ** 40), 0.5, -1e300]
  const value = { numbers, text: 'ä'.repeat(300), bytes: Buffer.alloc(70_000, 7), nothing: null, yes: true, list: [[], [[]], {}] }
  t.deepEqual(decode(encode(value), 'test'), value as unknown)
  t.is(decode(encode(undefined), 'test'), undefined)
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      t.deepEqual(decode(encode(json), 'test'), JSON.parse(JSON.stringify(json)))
    }),
    { seed: FUZZ_SEED, numRuns: 300 }
  )
})

test('a tag is refused before anything is made of it, whatever it wraps', (t) => {
  const bytes = 262_000
  const wide = Buffer.concat([
    Buffer.from([0xc2, 0x5a, 0, bytes >> 16, (bytes >> 8) & 255, bytes & 255]),
    Buffer.alloc(bytes, 255)
  ])
  // A big integer, one within a list, a pattern by cbor-x's tag 27, a shared reference.
  for (const hostile of [wide, Buffer.concat([Buffer.from([0x82, 0]), wide]), '81d81b8266526567457870612b', 'd81c81d81d00']) {
    const alleged = typeof hostile === 'string' ? Buffer.from(hostile, 'hex') : hostile
    const before = process.cpuUsage().user
    t.like(
      t.throws(() => decode(alleged, 'test')),
      { code: 'MALFORMED' }
    )
    t.true(process.cpuUsage().user - before < 1_000_000, 'takes no second')
  }
})

test('what is cut, too long, of open length, too many values or too deep is MALFORMED', (t) => {
  const whole = encode([1, 'two', { three: Buffer.from('3') }])
  for (let length = 0; length < whole.length; length++) {
    t.like(
      t.throws(() => decode(whole.subarray(0, length), 'test')),
      { code: 'MALFORMED' }
    )
  }
  const many = Buffer.concat([Buffer.from('9a00040001', 'hex'), Buffer.alloc(262_145, 0xf6)])
  const deep = Buffer.concat([Buffer.alloc(200_000, 0x81), Buffer.from([0])])
  for (const alleged of [
    Buffer.concat([whole, Buffer.from([0])]),
    Buffer.from('9f01ff', 'hex'),
    Buffer.from('7f6161ff', 'hex'),
    many,
    deep
  ]) {
    t.like(
      t.throws(() => decode(alleged, 'test')),
      { code: 'MALFORMED' }
    )
  }
})

test('no bytes whatsoever make it throw anything but MALFORMED', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (alleged) => {
      try {
        decode(alleged, 'test')
      } catch (error) {
        if ((error as { code?: string }).code !== 'MALFORMED') throw error
      }
    }),
    { seed: FUZZ_SEED, numRuns: 3_000 }
  )
  t.pass()
})
