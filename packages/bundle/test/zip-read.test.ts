import { crc32, deflateRawSync } from 'node:zlib'
import { isPeerlessError, LIMITS, PeerlessError } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { readZip } from '../src/index.ts'
import { type RawEntry, rawZip } from './_raw-zip.ts'
import { zipOf } from './_zip.ts'

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

test('a zip gives its files with folders, empty files and stored ones, in its order', async (t) => {
  const zip = rawZip([
    { name: 'b/', content: '' },
    { name: 'b/c.txt', content: 'stored', method: 0 },
    { name: './a.txt', content: 'deflated '.repeat(50) },
    { name: 'empty', content: '' },
    { name: 'ünï/ça.js', content: 'x' }
  ])
  const entries = await readZip(zip)
  t.deepEqual(
    entries.map(({ name }) => name),
    ['b/c.txt', 'a.txt', 'empty', 'ünï/ça.js']
  )
  t.is(text(entries[0]?.bytes), 'stored')
  t.is(text(entries[1]?.bytes), 'deflated '.repeat(50))
  t.is(entries[2]?.bytes.length, 0)
})

test('what is zipped is read again, whatever the bytes', async (t) => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/)
  const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 2_000 })), { selector: ([one]) => one, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(files, async (list) => {
      const entries = await readZip(zipOf(Object.fromEntries(list)))
      t.deepEqual(Object.fromEntries(entries.map((one) => [one.name, Buffer.from(one.bytes)])), {
        ...Object.fromEntries(list.map(([one, bytes]) => [one, Buffer.from(bytes)]))
      })
    }),
    { seed: 11, numRuns: 40 }
  )
})

const refused = test.macro(async (t, zip: () => Uint8Array, code: 'INVALID_ZIP' | 'TOO_LARGE', message: RegExp) => {
  const error = await t.throwsAsync(readZip(zip()), { instanceOf: PeerlessError })
  t.true(isPeerlessError(error, code), error?.message)
  t.regex(error?.message ?? '', message)
})

const one = (entry: Partial<RawEntry>) => () => rawZip([{ name: 'a.js', content: 'x', ...entry }])

for (const name of ['../a.js', 'x/../../a.js', 'x/..', '..']) {
  test(`an entry named ${name} is refused`, refused, one({ name }), 'INVALID_ZIP', /leaves the zip's folder by '\.\.'/)
}
for (const name of ['/etc/passwd', '//host/x', 'C:/x', 'c:x']) {
  test(`an entry named ${name} is refused`, refused, one({ name }), 'INVALID_ZIP', /has an absolute path/)
}
test('a backslash in a name is refused', refused, one({ name: '..\\a.js' }), 'INVALID_ZIP', /'\.\.\\\\a\.js' has a backslash/)
test(
  'a NUL in a name is refused and shown',
  refused,
  one({ name: 'a\0.js' }),
  'INVALID_ZIP',
  /'a\\u0000\.js' has a control character/
)
test('an empty segment is refused', refused, one({ name: 'a//b' }), 'INVALID_ZIP', /empty or '\.' segment/)
test('a dot segment inside is refused', refused, one({ name: 'a/./b' }), 'INVALID_ZIP', /empty or '\.' segment/)
test('an entry without a name is refused', refused, one({ name: '' }), 'INVALID_ZIP', /has no name|empty/)
test(
  'a name over its bound is refused',
  refused,
  one({ name: 'n'.repeat(1_025) }),
  'INVALID_ZIP',
  /name of 1025 bytes, at most 1024/
)
test(
  'too many folders in each other are refused',
  refused,
  one({ name: 'a/'.repeat(65) }),
  'INVALID_ZIP',
  /is 65 folders deep, at most 64/
)
test(
  'more folders than are countable are refused, though each name is short enough',
  refused,
  () => rawZip(Array.from({ length: 400 }, (_, at) => ({ name: `${`${at}/`.repeat(60)}a.js`, content: '' }))),
  'TOO_LARGE',
  /zip of more than 20000 folders/
)
test('a symbolic link is refused', refused, one({ mode: 0o120_777 }), 'INVALID_ZIP', /'a\.js' is a symbolic link/)
test('a device is refused', refused, one({ mode: 0o060_600 }), 'INVALID_ZIP', /neither a file nor a folder/)
test('an encrypted entry is refused', refused, one({ flags: 1 }), 'INVALID_ZIP', /'a\.js' is encrypted/)
test('an unknown method is refused', refused, one({ method: 12 }), 'INVALID_ZIP', /compression method 12/)
test('a wrong checksum is refused', refused, one({ crc: 1 }), 'INVALID_ZIP', /does not match its checksum/)
test('data that does not inflate is refused', refused, one({ raw: Buffer.from([0xff, 0xff]) }), 'INVALID_ZIP', /does not inflate/)
test(
  'an entry that inflates past what it declares is refused, however much more it is',
  refused,
  one({ raw: deflateRawSync(Buffer.alloc(50_000_000)), bytes: 1_000, crc: crc32(Buffer.alloc(1_000)) }),
  'INVALID_ZIP',
  /inflates to more than the 1000 bytes/
)
test('an entry that inflates to less is refused', refused, one({ bytes: 5 }), 'INVALID_ZIP', /holds 1 bytes .* declares 5/)
test(
  'a zip that declares more than the bound is refused before anything is inflated',
  refused,
  () => rawZip([0, 1, 2].map((index) => ({ name: `big${index}`, content: 'x', bytes: 100_000_000 }))),
  'TOO_LARGE',
  /more than 262144000 bytes: 300000000 with entry 'big2' of 100000000/
)
test(
  'a name that is there twice is refused',
  refused,
  () =>
    rawZip([
      { name: 'a.js', content: '1' },
      { name: './a.js', content: '2' }
    ]),
  'INVALID_ZIP',
  /'a\.js' is there twice/
)
test(
  'a file that is a folder too is refused',
  refused,
  () =>
    rawZip([
      { name: 'a', content: '1' },
      { name: 'a/b', content: '2' }
    ]),
  'INVALID_ZIP',
  /'a' is a file and a folder/
)
test(
  'too many files are refused',
  refused,
  () => rawZip(Array.from({ length: LIMITS.zipFilesMax + 1 }, (_, index) => ({ name: `${index}`, content: '', method: 0 }))),
  'TOO_LARGE',
  /20001 entries exceeds 20000/
)
test('nothing at all is refused', refused, () => new Uint8Array(0), 'INVALID_ZIP', /zip of 0 bytes is not readable/)
test('text is refused', refused, () => Buffer.from('not a zip '.repeat(100)), 'INVALID_ZIP', /not readable/)
test('a zip over its bound is refused', refused, () => new Uint8Array(LIMITS.zipBytesMax + 1), 'TOO_LARGE', /exceeds 52428800/)

test('a zip cut anywhere is refused, never misread', async (t) => {
  const whole = zipOf({ 'a.js': 'x'.repeat(300), 'b/c.js': 'y' })
  for (let length = 0; length < whole.length; length++) {
    await t.throwsAsync(readZip(whole.subarray(0, length)), { code: 'INVALID_ZIP' })
  }
})

test('bytes changed anywhere give the right files, or a PeerlessError', async (t) => {
  const whole = zipOf({ 'a.js': 'const a = 1\n'.repeat(30), 'b/c.js': 'y' })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      async (changes) => {
        const changed = Uint8Array.from(whole)
        for (const [offset, value] of changes) changed[offset] = value
        try {
          for (const entry of await readZip(changed)) t.true(entry.bytes.length <= whole.length * 10)
        } catch (error) {
          t.true(isPeerlessError(error, 'INVALID_ZIP') || isPeerlessError(error, 'TOO_LARGE'), String(error))
        }
      }
    ),
    { seed: 12, numRuns: 1_500 }
  )
})
