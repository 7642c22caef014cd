/**
 * What functions do with `node:` modules first: a classic script's function of their names, run in an isolate of nobody for the sake of V8's code cache. Gives a promise of
 * what went wrong, as text; empty where nothing did.
 */
export const LIBRARY_REHEARSAL = `async (names) => {
  const faults = []
  const attempt = async (what, run) => {
    try {
      await run()
    } catch (error) {
      faults.push(what + ': ' + error)
    }
  }
  const require = globalThis.__peerlessRequire
  for (const name of names) await attempt(name, () => require(name))
  await attempt('buffer', () => {
    const bytes = Buffer.concat([Buffer.from('rehearsal'), Buffer.alloc(4), Buffer.from([1, 2, 3]), Buffer.from('YQ==', 'base64')])
    bytes.writeUInt32BE(1, 0)
    return [bytes.readUInt32BE(0), bytes.toString('base64'), bytes.toString('hex'), bytes.subarray(2).equals(bytes), Buffer.byteLength('x')]
  })
  await attempt('events', () => {
    const EventEmitter = require('events')
    const emitter = new EventEmitter()
    emitter.once('once', () => undefined)
    emitter.on('on', () => undefined).emit('on', 1)
    emitter.emit('once')
    emitter.removeAllListeners()
  })
  await attempt('util', () => {
    const util = require('util')
    class Parent {}
    class Child extends Parent {}
    util.inherits(function () {}, Parent)
    util.promisify((done) => done(null))
    util.inspect({ list: [1, 'two', null], map: new Map([[1, { deep: {} }]]), child: new Child(), error: new Error('rehearsal') })
    return util.format('%s %d %j %o', 'a', 1, {}, [])
  })
  await attempt('stream', async () => {
    const { Readable, Writable, Transform, PassThrough } = require('stream')
    const { pipeline } = require('stream/promises')
    const upper = new Transform({ transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()) })
    await pipeline(Readable.from(['a', 'b']), upper, new PassThrough(), new Writable({ write: (chunk, _, done) => done() }))
    for await (const chunk of Readable.from([Buffer.from('a')])) chunk.toString()
  })
  await attempt('crypto', () => {
    const crypto = require('crypto')
    crypto.createHash('sha256').update('rehearsal').digest('hex')
    crypto.createHmac('sha256', 'key').update('rehearsal').digest('base64')
    return [crypto.randomUUID(), crypto.randomBytes(8)]
  })
  await attempt('paths', () => {
    const path = require('path')
    const url = require('url')
    path.join('/a', '..', path.basename('/b/c.txt', path.extname('c.txt')))
    path.resolve(path.dirname('/a/b'), 'c')
    new URL('https://example.com/a?b=c').searchParams.get('b')
    url.parse('https://example.com/a?b=c')
    url.format({ protocol: 'https', host: 'example.com' })
    require('querystring').stringify(require('querystring').parse('a=b&c=d'))
  })
  await attempt('http', () => {
    const http = require('http')
    const request = new http.IncomingMessage(null)
    const response = new http.ServerResponse(request)
    response.setHeader('content-type', 'text/plain')
    response.getHeader('content-type')
    http.createServer(() => undefined)
    new http.Agent({ keepAlive: true })
  })
  await attempt('the rest', () => {
    const { AsyncLocalStorage } = require('async_hooks')
    const storage = new AsyncLocalStorage()
    storage.run({}, () => storage.getStore())
    const decoder = new (require('string_decoder').StringDecoder)('utf8')
    decoder.end(decoder.write(Buffer.from('a')))
    const zlib = require('zlib')
    zlib.gunzipSync(zlib.gzipSync('rehearsal'))
    const fs = require('fs')
    fs.existsSync('/var/task/none')
    fs.writeFileSync('/tmp/rehearsal', 'a')
    fs.readFileSync('/tmp/rehearsal', 'utf8')
    require('assert').ok(true)
    require('os').cpus()
    require('diagnostics_channel').channel('rehearsal')
  })
  return faults.join('; ')
}`
