import { encode } from '@peerless/wire'
import test from 'ava'
import { BundleShelf } from '../src/bundle-shelf.ts'

const BUNDLE = {
  format: 1,
  script: '"use strict";\n({ a: 1 })',
  sourceMap: undefined,
  builtins: ['util'],
  handlerExport: 'handler'
}

function addAll(shelf: BundleShelf, cid: string, bytes: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) shelf.add(cid, bytes.length, at, bytes.subarray(at, at + pieceBytes))
}

test('a bundle is there when its last piece has come', (t) => {
  const shelf = new BundleShelf(() => undefined)
  const bytes = encode(BUNDLE)
  addAll(shelf, 'a', bytes.subarray(0, 0), 7)
  t.is(shelf.get('a'), undefined)
  addAll(shelf, 'a', bytes, 7)
  t.like(shelf.get('a')?.manifest, { handlerExport: 'handler', builtins: ['util'] })
  t.regex(shelf.get('a')?.script ?? '', /^"use strict";try\{\n/, 'strict code stays strict')
  shelf.forget('a')
  t.is(shelf.get('a'), undefined)
})

test('a small bundle keeps nothing of the chunk in which it came', (t) => {
  const shelf = new BundleShelf(() => undefined)
  const bytes = encode({
    ...BUNDLE,
    sourceMap: JSON.stringify({ version: 3, sources: ['../src/a.ts'], names: [], mappings: ';AAIE' })
  })
  const chunk = new Uint8Array(65_536)
  chunk.set(bytes)
  shelf.add('a', bytes.length, 0, chunk.subarray(0, bytes.length))
  // Another chunk comes to lie there.
  chunk.fill(0)
  t.is(shelf.get('a')?.trace.apply('at /var/task/bundle.js:2:1'), 'at /var/task/src/a.ts:5:3')
  t.true(shelf.get('a')?.script.includes('({ a: 1 })'))
})

const refuses = test.macro((t, run: (shelf: BundleShelf) => void, message: RegExp) => {
  t.throws(() => run(new BundleShelf(() => undefined)), { name: 'PeerlessError', code: 'MALFORMED', message })
})
test('a piece that is out of order', refuses, (shelf) => shelf.add('a', 100, 10, new Uint8Array(5)), /must start at 0/)
test('more bytes than were announced', refuses, (shelf) => shelf.add('a', 3, 0, new Uint8Array(5)), /must start at 0/)
test('a bundle above the limit', refuses, (shelf) => shelf.add('a', 67_108_865, 0, new Uint8Array(5)), /must be at most 67108864/)
test('a bundle that is no CBOR', refuses, (shelf) => addAll(shelf, 'a', Uint8Array.of(0xff, 0xff), 9), /not one CBOR value/)
test('another format', refuses, (shelf) => addAll(shelf, 'a', encode({ ...BUNDLE, format: 2 }), 9), /format 2 must be 1/)
test('no script', refuses, (shelf) => addAll(shelf, 'a', encode({ ...BUNDLE, script: 7 }), 9), /script must be text/)
test(
  'bundles that never end',
  refuses,
  (shelf) => {
    for (let i = 0; i < 17; i++) shelf.add(`${i}`, 9, 0, new Uint8Array(1))
  },
  /must be at most/
)

test('what the daemon says that a bundle needs is not looked for again', (t) => {
  const shelf = new BundleShelf(() => undefined)
  const bytes = encode(BUNDLE)
  const needs = { web: true, runtime: 'python' } as const
  shelf.add('told', bytes.length, 0, bytes, { mapFollows: false, needs })
  shelf.add('alone', bytes.length, 0, bytes)
  t.deepEqual([shelf.get('told')?.needs, shelf.get('alone')?.needs], [needs, { web: false, runtime: 'node' }])
})
