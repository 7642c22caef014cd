import { encode } from '@peerless/wire'
import test from 'ava'
import { isSameKind, kindOf, needsOfBundle } from '../src/isolate-kind.ts'

const kind = (script: string, builtins: string[] = [], environment: Record<string, string> = {}) =>
  kindOf(needsOfBundle(encode({ format: 1, script, sourceMap: null, builtins, handlerExport: 'handler' })), {
    memoryMb: 256,
    environment
  })

const PYTHON = `globalThis.__peerlessRequire('peerless:python').handler("app.py", "handler")`

for (const [what, script, builtins, environment, expected] of [
  ['nothing', 'exports.handler = () => 1', [], {}, { web: false, runtime: 'none' }],
  ['fetch', 'exports.handler = () => fetch("http://a.test")', [], {}, { web: true, runtime: 'none' }],
  ['a word that begins like it', 'prefetch(); fetchAll(); my$fetch()', [], {}, { web: false, runtime: 'none' }],
  ['a class of fetch', 'new Response("a")', [], {}, { web: true, runtime: 'none' }],
  ['a module', 'require("path")', ['path'], {}, { web: false, runtime: 'node' }],
  ['the global Buffer', 'Buffer.from("a")', [], {}, { web: false, runtime: 'node' }],
  ['ArrayBuffer', 'new ArrayBuffer(8)', [], {}, { web: false, runtime: 'none' }],
  ['AsyncLocalStorage', 'require("async_hooks")', ['async_hooks', 'path'], {}, { web: false, runtime: 'node-async' }],
  ['a module that reads NODE_DEBUG', 'require("util")', ['util'], { NODE_DEBUG: 'x' }, { web: false, runtime: 'none' }],
  ['Python', PYTHON, [], { NODE_DEBUG: 'x' }, { web: false, runtime: 'python' }],
  ['Python somewhere in it', `1; ${PYTHON}`, [], {}, { web: false, runtime: 'none' }]
] as const) {
  test(`what isolates are prepared for: ${what}`, (t) => {
    t.deepEqual(kind(script, [...builtins], environment), { memoryMb: 256, ...expected })
  })
}

test('kinds are the same in all that is prepared', (t) => {
  const one = kind('exports.handler = () => 1')
  t.true(isSameKind(one, { ...one }))
  for (const other of [{ memoryMb: 128 }, { web: true }, { runtime: 'python' }] as const)
    t.false(isSameKind(one, { ...one, ...other }))
})

test('bytes that are no bundle have no kind', (t) => {
  t.throws(() => needsOfBundle(new Uint8Array([1, 2, 3])), { code: 'MALFORMED' })
})

test('a text is looked at for a bounded time, whatever is in it', (t) => {
  t.true(kind('fetch_'.repeat(20_000)).web, 'so many are not all looked at')
  t.false(kind('fetch_'.repeat(2_000)).web)
  const behind = `${' '.repeat(9_000_000)}fetch()`
  t.false(kind(behind).web, 'nor what is so far behind')
  t.true(kind(behind.slice(2_000_000)).web)
})
