import { deflateSync } from 'node:zlib'
import test from 'ava'
import { TraceMap } from '../src/trace-map.ts'

/** Line 2, column 0 of the script is line 5, column 2 of src/a.ts. */
const MAP = Buffer.from(JSON.stringify({ version: 3, sources: ['../src/a.ts'], names: [], mappings: ';AAIE' }))

test('positions of the script become those of the source', (t) => {
  const error = JSON.stringify({ trace: ['Error: x', '    at run (/var/task/bundle.js:2:1)', '    at glue.js:1:2'] })
  t.deepEqual(JSON.parse(new TraceMap(MAP).apply(error)), {
    trace: ['Error: x', '    at run (/var/task/src/a.ts:5:3)', '    at glue.js:1:2']
  })
})

test('a map may be compressed', (t) => {
  t.is(new TraceMap(deflateSync(MAP)).apply('at /var/task/bundle.js:2:1'), 'at /var/task/src/a.ts:5:3')
})

test('without a map, or with a broken one, nothing changes', (t) => {
  const error = '{"trace":["at /var/task/bundle.js:2:1"]}'
  t.is(new TraceMap(undefined).apply(error), error)
  t.is(new TraceMap(Buffer.from('{nonsense')).apply(error), error)
  t.is(new TraceMap(Buffer.from('x nonsense')).apply(error), error)
  t.is(new TraceMap(deflateSync(Buffer.alloc(70_000_000))).apply(error), error)
  t.is(new TraceMap(Buffer.from('{"version":3,"sources":[],"names":[],"mappings":""}')).apply(error), error)
})
