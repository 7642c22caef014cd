import { spawn } from 'node:child_process'
import { json, text } from 'node:stream/consumers'
import test from 'ava'
import { buildSandbox } from '../src/build.ts'
import { GLUE_ORIGIN, LIBRARY_ORIGIN } from '../src/code-cache.ts'
import { executorArguments } from '../src/executor-arguments.ts'

/** What runs in a process with an executor's flags: whether V8 takes each cache, and not that of another script. */
const TRY = `
  const module_ = { exports: {} }
  process.dlopen(module_, process.argv[2])
  const { ivm } = module_.exports
  const isRejected = ({ script, origin, cache }) => {
    const isolate = new ivm.Isolate()
    const bytes = new Uint8Array(Buffer.from(cache, 'base64')).buffer
    const compiled = isolate.compileScriptSync(script, { ...origin, cachedData: new ivm.ExternalCopy(bytes) })
    isolate.dispose()
    return compiled.cachedDataRejected
  }
  console.log(JSON.stringify(CASES.map(isRejected)))
`

test('executors take the code caches of glue and node: modules, which hold the functions that run in a start', async (t) => {
  const { addonPath, guestScript, guestCache, libraryScript, libraryCache } = await buildSandbox()
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const cases = [
    { script: guestScript, origin: GLUE_ORIGIN, cache: base64(guestCache) },
    { script: libraryScript, origin: LIBRARY_ORIGIN, cache: base64(libraryCache) },
    { script: `${guestScript} `, origin: GLUE_ORIGIN, cache: base64(guestCache) }
  ]
  const child = spawn(process.execPath, executorArguments(addonPath), { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(`const CASES = ${JSON.stringify(cases)};${TRY}`)
  const [rejected, complaint] = await Promise.all([json(child.stdout).catch(() => undefined), text(child.stderr)])
  t.deepEqual(rejected, [false, false, true], complaint)
  // The library is one function: a cache that was made before it ran has nothing in it.
  t.true(libraryCache.length > 300_000)
})
