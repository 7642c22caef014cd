import test from 'ava'
import { compare } from './_compare.ts'

test("streams of the web become Node's, and the other way round", async (t) => {
  await compare(t, [
    `await (async () => { const { Readable } = require('stream'); let text = ''; for await (const part of Readable.fromWeb(new Blob(['abc', 'def']).stream())) text += Buffer.from(part).toString(); return text })()`,
    `await (async () => { const { Readable } = require('stream'); const read = Readable.fromWeb(new ReadableStream({ start(c) { c.error(new Error('broken')) } })); try { for await (const part of read); } catch (error) { return error.message } })()`,
    `await new Promise((resolve) => { const { Readable } = require('stream'); const read = Readable.fromWeb(new ReadableStream({ pull(c) { c.enqueue('x') }, cancel: resolve }), { objectMode: true }); read.on('error', () => {}).once('data', () => read.destroy(new Error('enough'))) }).then((reason) => reason.message)`,
    `await new Response(require('stream').Readable.toWeb(require('stream').Readable.from([Buffer.from('one '), Buffer.from('two')]))).text()`,
    `await (async () => { const { Writable } = require('stream'); const got = []; const write = Writable.fromWeb(new WritableStream({ write: (part) => void got.push(part) }), { objectMode: true }); write.write('a'); write.write('b'); await new Promise((resolve) => write.end('c', resolve)); return got })()`,
    `await new Promise((resolve) => { const { Writable } = require('stream'); const write = Writable.fromWeb(new WritableStream({ write() { throw new Error('full') } })); write.on('error', (error) => resolve(error.message)); write.write('a') })`,
    `await (async () => { const { Writable } = require('stream'); let text = ''; const end = new Writable({ write(part, _, done) { text += part; done() } }); const writer = Writable.toWeb(end).getWriter(); await writer.write('in'); await writer.close(); return text })()`,
    `await (async () => { const { Duplex } = require('stream'); const both = Duplex.fromWeb(new TransformStream({ transform: (part, c) => c.enqueue(String(part).toUpperCase()) }), { encoding: 'utf8', objectMode: true }); both.end('up'); let text = ''; for await (const part of both) text += part; return text })()`
  ])
})

test("Node's stream functions take streams of the web", async (t) => {
  await compare(t, [
    `await (async () => { const { pipeline } = require('stream/promises'); let text = ''; await pipeline(new Blob(['abc', 'def']).stream(), new WritableStream({ write: (part) => void (text += Buffer.from(part)) })); return text })()`,
    `await (async () => { const { pipeline } = require('stream/promises'); let text = ''; await pipeline(new Response('web').body, async function* (parts) { for await (const part of parts) yield Buffer.from(part).toString().toUpperCase() }, new WritableStream({ write: (part) => void (text += part) })); return text })()`,
    `await require('stream/promises').pipeline(new ReadableStream({ start: (c) => c.error(new Error('broken')) }), new WritableStream())`,
    `await require('stream/promises').pipeline(require('stream').Readable.from(['a']), new WritableStream({ write() { throw new Error('full') } }))`,
    `await (async () => { const { finished } = require('stream/promises'); const done = []; const read = new ReadableStream({ start(c) { c.enqueue('x'); c.close() } }); const ended = finished(read).then(() => done.push('ended')); for await (const part of read) done.push(part); await ended; return done })()`,
    `await require('stream/promises').finished(new ReadableStream({ start: (c) => c.error(new RangeError('early')) }))`,
    `await (async () => { const { finished } = require('stream/promises'); const write = new WritableStream(); const ended = finished(write); await write.close(); await ended; await finished(write); return 'closed' })()`,
    `await (async () => { const { finished } = require('stream/promises'); const write = new WritableStream(); const ended = finished(write); await write.abort(new Error('stop')); return await ended })()`,
    `await (async () => { const { addAbortSignal } = require('stream'); const ends = new AbortController(); const read = addAbortSignal(ends.signal, new ReadableStream()); setTimeout(() => ends.abort(), 1); for await (const part of read); })()`,
    `(() => { const stream = require('stream'); const read = new ReadableStream(), bad = new ReadableStream({ start: (c) => c.error(1) }); return [stream.isReadable(read), stream.isErrored(read), stream.isDisturbed(read), stream.isReadable(bad), stream.isErrored(bad), stream.isWritable(new WritableStream())] })()`,
    `await (async () => { const stream = require('stream'); const read = new Response('x').body; await read.cancel(); return [stream.isDisturbed(read), stream.isReadable(read)] })()`,
    `await (async () => { const { open, writeFile, rm } = require('fs/promises'); await writeFile('/tmp/peerless-web-stream', 'from a file'); const file = await open('/tmp/peerless-web-stream'); const text = await new Response(file.readableWebStream()).text(); await file.close(); await rm('/tmp/peerless-web-stream'); return text })()`
  ])
})

test('promisify of timers gives their promise forms', async (t) => {
  await compare(t, [
    `await require('util').promisify(setTimeout)(1, 'late')`,
    `await require('util').promisify(setImmediate)('soon')`,
    `require('util').promisify(require('timers').setTimeout) === require('timers/promises').setTimeout`,
    `await require('util').promisify(setTimeout)(1000, 0, { signal: AbortSignal.abort() })`
  ])
})
