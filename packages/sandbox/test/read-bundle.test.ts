import { encode } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import { readBundle, splitSourceMap } from '../src/read-bundle.ts'

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString())

/** As the bundler writes it. */
const bundles = fc.record(
  {
    script: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(70_000).map((length) => 'é'.repeat(length))
    ),
    sourceMap: fc.option(
      fc.oneof(
        fc.string(),
        fc.nat(70_000).map((length) => 'm'.repeat(length)),
        fc.nat(70_000).map((length) => Buffer.alloc(length, 0x78))
      )
    ),
    builtins: fc.array(fc.string()),
    handlerExport: fc.string(),
    files: fc.array(fc.tuple(fc.string(), fc.uint8Array()), { minLength: 1 })
  },
  { requiredKeys: ['script', 'sourceMap', 'builtins', 'handlerExport'] }
)

test('texts are what was written, whichever way the bundle is laid out', (t) => {
  fc.assert(
    fc.property(bundles, fc.boolean(), (bundle, otherwise) => {
      const { script, sourceMap, ...more } = bundle
      const bytes = encode(otherwise ? { ...more, sourceMap, script, format: 1 } : { format: 1, ...bundle })
      const read = readBundle(bytes)
      t.is(text(read.script), script)
      t.is(text(read.sourceMap), sourceMap?.toString())
      t.is(read.manifest.handlerExport, bundle.handlerExport)
      t.deepEqual(read.manifest.builtins, bundle.builtins)
      t.deepEqual(
        [...(read.manifest.files ?? [])],
        [...new Map(bundle.files ?? [])].map(([name, of]) => [name, Buffer.from(of)])
      )
    })
  )
})

test('bytes that are no bundle are refused, wherever they were cut or changed', (t) => {
  const bytes = Buffer.from(
    encode({ format: 1, script: 'a'.repeat(300), sourceMap: 'b'.repeat(300), builtins: [], handlerExport: 'h' })
  )
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => readBundle(bytes.subarray(0, length)), { name: 'PeerlessError', code: 'MALFORMED' })
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(bytes)
      changed[at] = byte
      try {
        readBundle(changed)
      } catch (error) {
        t.is((error as { code: string }).code, 'MALFORMED')
      }
    })
  )
})

test('a bundle without its source map is the same bundle', (t) => {
  const bundle = { format: 1, script: 'x'.repeat(70_000), sourceMap: '{"version":3}', builtins: ['fs'], handlerExport: 'run' }
  const split = splitSourceMap(encode(bundle))
  t.is(Buffer.from(split?.sourceMap ?? []).toString(), bundle.sourceMap)
  const { manifest, script, sourceMap } = readBundle(split?.bundle ?? new Uint8Array(0))
  t.is(Buffer.from(script).toString(), bundle.script)
  t.is(sourceMap, undefined)
  t.deepEqual(manifest, { builtins: ['fs'], handlerExport: 'run', files: new Map() })
  t.is(splitSourceMap(encode({ ...bundle, sourceMap: null })), undefined)
  // Of nothing no piece would come, and a start that fails would wait for it.
  t.is(splitSourceMap(encode({ ...bundle, sourceMap: '' })), undefined)
  t.is(splitSourceMap(encode({ script: '', format: 1 })), undefined)
  t.is(splitSourceMap(new Uint8Array(0)), undefined)
})
