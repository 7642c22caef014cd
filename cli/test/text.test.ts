import test from 'ava'
import { bytesText, digits, fields, printable, shortPeer, table, timeText } from '../src/text.ts'

test('a table aligns its columns, and ends no line with spaces', (t) => {
  const rows = [
    { name: 'a', count: '1' },
    { name: 'longer', count: '1,000' }
  ]
  const text = table(rows, [
    { title: 'NAME', cell: (row) => row.name },
    { title: 'COUNT', cell: (row) => row.count, align: 'right' }
  ])
  t.is(text, 'NAME    COUNT\na           1\nlonger  1,000\n')
})

test('a table without rows is its head', (t) => {
  t.is(table([], [{ title: 'NAME', cell: () => '' }]), 'NAME\n')
})

test('no character can move the cursor, end a line of a table or turn the direction of writing', (t) => {
  const harmful = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u
  for (let code = 0; code <= 0xff_ff; code++) {
    const hostile = `a${String.fromCharCode(code)}b`
    const line = table([{ hostile }], [{ title: 'X', cell: (row) => row.hostile }])
    t.is(line.split('\n').length, 3)
    t.notRegex(line.replaceAll('\n', ''), harmful)
    if (!harmful.test(hostile)) t.is(printable(hostile), hostile)
  }
})

test('sizes have three digits and a unit', (t) => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [52_428_800, '52.4 MB']
  ]
  for (const [bytes, text] of cases) t.is(bytesText(bytes), text)
})

test('digits are grouped, whatever carries them', (t) => {
  t.deepEqual(['0', '-999', '-1000', '1234567890123456789012'].map(digits), [
    '0',
    '-999',
    '-1,000',
    '1,234,567,890,123,456,789,012'
  ])
  t.is(digits(12_345n), '12,345')
})

test('odd values have a text too', (t) => {
  t.is(timeText(Number.NaN), '-')
  t.is(timeText(8.65e15), '-')
  t.is(shortPeer('short'), 'short')
  t.is(
    fields([
      ['a', 'x\u001b'],
      ['long', 'y']
    ]),
    'a     x\\u001b\nlong  y\n'
  )
})
