import test from 'ava'
import { start } from '../_instances.ts'
import { compare } from './_compare.ts'

const captured = (run: string) =>
  `(() => { const { Console } = require('console'); let text = ''; const made = new Console({ write(part) { text += part; return true }, on() {}, once() {}, removeListener() {}, listenerCount: () => 0 }); (${run})(made); return text })()`

test('a Console writes what it writes in Node', async (t) => {
  await compare(t, [
    captured(`(c) => c.log('a %s %d %j', 'b', 1.5, { x: [1] }, { y: { z: { w: { v: 1 } } } })`),
    captured(`(c) => { c.group('outer'); c.info([1, 2]); c.groupEnd(); c.warn('after') }`),
    captured(`(c) => { c.table([{ a: 1, b: 'x' }, { a: 2 }]); c.table(new Map([[1, 2]])); c.table(5) }`),
    captured(
      `(c) => { c.count(); c.count(); c.countReset(); c.count('n'); c.assert(false, 'told %s', 'why'); c.dir({ a: { b: { c: 1 } } }, { depth: 0 }) }`
    ),
    `typeof console.Console + (require('console').Console === console.Console)`,
    `new (require('console').Console)({})`,
    `(() => { class Mine extends console.Console { log(text) { super.log('mine ' + text) } } let text = ''; new Mine(new (require('stream').Writable)({ write(part, _, done) { text += part; done() } })).log('x'); return text })()`
  ])
})

test('process.stdout takes what streams take', async (t) => {
  const { define, lines } = await start(t)
  const fn =
    define(`const { Console } = require('console'); const { Readable } = require('stream'); const { pipeline } = require('stream/promises')
  exports.handler = async () => {
    await new Promise((resolve) => process.stdout.write('told back\\n', resolve))
    await new Promise((resolve) => process.stderr.write(Buffer.from('bytes'), 'utf8', resolve))
    new Console({ stdout: process.stdout, stderr: process.stderr }).error('by a %s', 'Console')
    await new Promise((resolve) => Readable.from(['piped']).on('end', resolve).pipe(process.stdout))
    await pipeline(Readable.from(['through a pipeline']), process.stdout)
    process.stdout.write('still open')
    console.table([[1]])
    let refused
    try { process.stdout.write(5) } catch (error) { refused = error.code }
    return [refused, process.stdout.fd, process.stdout.writable, process.memoryUsage.rss()]
  }`)
  const { json } = await fn.result()
  t.deepEqual(json, ['ERR_INVALID_ARG_TYPE', 1, true, 0])
  const told = lines.filter(({ level }) => level !== 'platform').map(({ message }) => message)
  t.deepEqual(told.slice(0, -1), ['told back', 'bytes', 'by a Console', 'piped', 'through a pipeline', 'still open'])
  t.true(told.at(-1)?.startsWith('┌─'))
})

test('the log shows what is in objects of the web API', async (t) => {
  const { define, lines } = await start(t)
  const fn = define(`exports.handler = () => {
    console.log(new Headers({ a: 'b' }), new URLSearchParams('x=1'))
    console.log({ response: new Response(null, { status: 404 }).headers, blob: new Blob(['ab']), signal: AbortSignal.abort() })
    console.log('%o', new File(['a'], 'n', { lastModified: 1 }), Headers.prototype.constructor === Headers)
  }`)
  await fn.result()
  t.deepEqual(
    lines.filter(({ level }) => level !== 'platform').map(({ message }) => message),
    [
      "Headers { a: 'b' } URLSearchParams { 'x' => '1' }",
      "{\n  response: Headers {},\n  blob: Blob { size: 2, type: '' },\n  signal: AbortSignal { aborted: true }\n}",
      "File { size: 1, type: '', name: 'n', lastModified: 1 } true"
    ]
  )
})

test('what resists being looked at fails no call, and a warning is a line of the log', async (t) => {
  const { define, lines } = await start(t)
  const fn = define(`exports.handler = async () => {
    const refusing = new Proxy({}, { get() { throw new Error('ask not') }, ownKeys() { throw new Error('ask not') } })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    console.log(refusing)
    console.dir({ deep: [proxy], other: 1 })
    process.emitWarning('old', { type: 'DeprecationWarning', code: 'DEP1', detail: 'use another' })
    await null
    process.removeAllListeners('warning')
    process.emitWarning('unheard')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }`)
  const { ran } = await fn.result()
  t.is(ran.status, 'ok')
  t.deepEqual(
    lines.filter(({ level }) => level !== 'platform').map(({ level, message }) => [level, message]),
    [
      ['info', '<unreadable>'],
      ['info', '{ deep: [ <unreadable> ], other: 1 }'],
      ['warn', '(node:1) [DEP1] DeprecationWarning: old\nuse another']
    ]
  )
})
