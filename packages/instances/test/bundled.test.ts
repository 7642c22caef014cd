import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBundle, packSource } from '@peerless/bundle'
import { BUILTINS_SUPPORTED } from '@peerless/sandbox'
import test from 'ava'
import { start } from './_instances.ts'

async function run(t: Parameters<typeof start>[0], files: Record<string, string>, entry: string, event: object) {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-instances-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const packed = await packSource({ path: join(folder, entry) })
  const { bytes } = await buildBundle({ zip: packed.zip, handler: packed.handler, builtinsSupported: BUILTINS_SUPPORTED })
  const { define, lines } = await start(t, { loadBundle: async () => bytes })
  return { ...(await define('').result(event)), lines }
}

const MODULE = `import { createHash } from 'node:crypto'
import util, { format } from 'node:util'
import path from 'node:path'
import { EventEmitter } from 'events'
import assert from 'node:assert'
interface Event { fail?: boolean }
const ready: number = await Promise.resolve(4)

export const handler = async (event: Event) => {
  if (event.fail) throw new RangeError('planted')
  assert.equal(ready, 4)
  return [createHash('md5').update('x').digest('hex').slice(0, 4), util.isDeepStrictEqual([1], [1]), format('%s', 'f'), path.join('a', 'b'), typeof EventEmitter]
}
`

test.serial('a TypeScript module with node: imports and top-level await runs as it was bundled', async (t) => {
  const { json } = await run(t, { 'index.ts': MODULE }, 'index.ts', {})
  t.deepEqual(json, ['9dd4', true, 'f', 'a/b', 'function'])
})

test.serial('its errors name the lines of its source', async (t) => {
  const { ran, json } = await run(t, { 'index.ts': MODULE }, 'index.ts', { fail: true })
  t.is(ran.status, 'error')
  const { errorType, trace } = json as { errorType: string; trace: string[] }
  t.is(errorType, 'RangeError')
  t.regex(trace[1] ?? '', /\/var\/task\/.*index\.\w+:10:\d+/)
})

test.serial('stacks that a function writes to its log name the lines of its source, as its errors do', async (t) => {
  const source = `export const handler = async (event: object) => {
    try {
      throw new RangeError('planted')
    } catch (error) {
      console.error('failed:', error)
      throw error
    }
  }`
  const { lines } = await run(t, { 'index.ts': source }, 'index.ts', {})
  const errors = lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  t.is(errors.length, 2)
  t.regex(errors[0] ?? '', /^failed: RangeError: planted\n +at handler \(\/var\/task\/.*index\.\w+:3:\d+\)/)
  t.true(errors[1]?.startsWith('Invoke Error\t'))
  t.regex(JSON.parse(errors[1]?.slice('Invoke Error\t'.length) ?? '').trace[1], /\/var\/task\/.*index\.\w+:3:\d+/)
})

test.serial('CommonJS with require runs as it was bundled', async (t) => {
  const source =
    "const { inspect } = require('util'); const E = require('events'); exports.handler = async () => [inspect({ a: 1 }), new E().listenerCount('x'), __filename, require.resolve('fs'), (() => { try { return require.resolve(['./', 'none'].join('')) } catch (error) { return error.code } })()]"
  const { json } = await run(t, { 'index.js': source }, 'index.js', {})
  t.deepEqual(json, ['{ a: 1 }', 0, '/var/task/index.js', 'fs', 'MODULE_NOT_FOUND'])
})

test.serial('a store of AsyncLocalStorage is there after an await', async (t) => {
  const source = `import { AsyncLocalStorage } from 'node:async_hooks'
    const store = new AsyncLocalStorage()
    export const handler = async () => await Promise.all([1, 2].map((n) => store.run(n, async () => {
      await new Promise((resolve) => setTimeout(resolve, 3 - n))
      return store.getStore()
    })))`
  const { json } = await run(t, { 'index.mjs': source }, 'index.mjs', {})
  t.deepEqual(json, [1, 2])
})
