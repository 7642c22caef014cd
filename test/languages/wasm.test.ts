import { join } from 'node:path'
import { CreateFunctionCommand, Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { zipSync } from 'fflate'
import { invoke, lambdaOf, ROLE } from '../_functions.ts'
import { assemblyScript, EXAMPLES, wat } from './_build.ts'
import { folderOf, sharedPlace } from './_kit.ts'

/** Answers with what it reads, after a line of log. */
const ECHO = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "reading\\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 8))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`

const EXIT = `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 3))))`

const TRAP = '(module (memory (export "memory") 1) (func (export "_start") unreachable))'
const ENDLESS = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
/** Sleeps for an hour. */
const SLEEP = `(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`
/** Memory as much as it gets; answers with nothing. */
const GREEDY = `(module (memory (export "memory") 1)
  (func (export "_start") (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))))`

const place = sharedPlace()

async function deployed(t: Parameters<typeof folderOf>[0], name: string, source: string, ...args: string[]): Promise<string> {
  const folder = await folderOf(t, { [`${name}.wasm`]: await wat(source) })
  return await place.deploy(join(folder, `${name}.wasm`), '--timeout', '1', ...args)
}

test('a WASI command reads the event and prints the result; its standard error is logged', async (t) => {
  const name = await deployed(t, 'echo', ECHO)
  for (const event of [{ word: 'käse' }, [1, 2], 'text', null]) t.deepEqual((await place.call(name, event)).result, event)
  t.true((await place.logs(name)).includes('reading'))
})

test('an exit status is a function error that says it, and the next call is served', async (t) => {
  const name = await deployed(t, 'exit', EXIT)
  for (let count = 0; count < 2; count++) {
    const { code, result } = await place.call(name)
    t.is(code, 1)
    const { errorType, errorMessage } = result as { errorType: string; errorMessage: string }
    t.is(errorType, 'Runtime.ExitError')
    t.regex(errorMessage, /Runtime exited with error: exit status 3$/)
  }
})

test('a trap is a function error', async (t) => {
  const name = await deployed(t, 'trap', TRAP)
  t.like((await place.call(name)).result, { errorType: 'RuntimeError', errorMessage: 'unreachable' })
})

for (const [name, source] of [
  ['endless', ENDLESS],
  ['sleep', SLEEP]
] as const) {
  test(`${name}: the time limit holds`, async (t) => {
    const { result } = await place.call(await deployed(t, name, source))
    t.is((result as { errorType: string }).errorType, 'Sandbox.Timedout')
  })
}

test('memory stops growing at the limit of the function', async (t) => {
  const name = await deployed(t, 'greedy', GREEDY)
  for (let count = 0; count < 5; count++) t.is((await place.call(name)).result, null)
})

test('a reactor in AssemblyScript keeps its state, and its errors have their text', async (t) => {
  const module = await assemblyScript(join(EXAMPLES, 'wasm-assemblyscript', 'count.ts'))
  const folder = await folderOf(t, { 'count.wasm': module })
  const name = await place.deploy(join(folder, 'count.wasm'))
  t.deepEqual((await place.call(name, { a: 1 })).result, { calls: 1, characters: 7 })
  t.deepEqual((await place.call(name, { a: 1 })).result, { calls: 2, characters: 7 })
  t.true((await place.logs(name)).includes('call 2'))
  const { errorType, errorMessage } = (await place.call(name, { fail: true })).result as Record<string, string>
  t.is(errorType, 'RuntimeError')
  t.regex(errorMessage ?? '', /asked to fail in count\.ts:17/)
  t.deepEqual((await place.call(name, { a: 1 })).result, { calls: 1, characters: 7 })
})

test('a module that imports what no instance has is refused by name', async (t) => {
  const importing = (what: string) =>
    deployed(t, 'lacking', `(module (import ${what}) (memory (export "memory") 1) (func (export "_start")))`)
  await t.throwsAsync(importing('"env" "host_thing" (func)'), {
    message: /imports the function 'env\.host_thing', which no instance has.*abort/
  })
  await t.throwsAsync(importing('"env" "toString" (func)'), { message: /imports the function 'env\.toString'/ })
  await t.throwsAsync(importing('"constructor" "name" (func)'), {
    message: /'constructor\.name'.*only functions of wasi_snapshot_preview1/
  })
  await t.throwsAsync(importing('"wasi" "thread-spawn" (func)'), { message: /imports the function 'wasi\.thread-spawn'/ })
})

test('JavaScript imports a module and makes instances of it', async (t) => {
  const add = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
  const folder = await folderOf(t, {
    'index.mjs': `import module from './add.wasm'
      const { exports } = new WebAssembly.Instance(module, {})
      export const handler = ({ a, b }) => exports.add(a, b)`,
    'add.wasm': await wat(add)
  })
  const name = await place.deploy(folder, '--name', 'adder')
  t.is((await place.call(name, { a: 2, b: 40 })).result, 42)
})

test('a zip by the Lambda API names a command or an exported function in its handler', async (t) => {
  const client = await lambdaOf(place.daemon)
  const module = await assemblyScript(join(EXAMPLES, 'wasm-assemblyscript', 'count.ts'))
  const zip = zipSync({ 'bin/main.wasm': await wat(ECHO), 'bin/count.wasm': module })
  const create = (name: string, handler: string) =>
    client.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Runtime: Runtime.providedal2023,
        Handler: handler,
        Role: ROLE,
        Code: { ZipFile: zip }
      })
    )
  await create('zipped-command', 'bin/main.wasm')
  t.deepEqual((await invoke(client, 'zipped-command', { x: 1 })).result, { x: 1 })
  await create('zipped-reactor', 'bin/count.handler')
  t.deepEqual((await invoke(client, 'zipped-reactor', {})).result, { calls: 1, characters: 2 })
  await t.throwsAsync(create('zipped-nothing', 'bin/count.nothing'), { message: /has no function 'nothing'.*exports.*handler/ })
  await t.throwsAsync(create('zipped-no-command', 'bin/count.wasm'), { message: /no WASI command/ })
})
