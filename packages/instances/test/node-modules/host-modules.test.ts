import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { share } from '../_instances.ts'
import { compare } from './_compare.ts'

const zlib = [
  `(await Promise.all(Array.from({ length: 100 }, (_, index) => require('util').promisify(require('zlib').gzip)('text ' + index)))).map((bytes) => require('zlib').gunzipSync(bytes).toString()).join()`,
  `(await Promise.allSettled(Array.from({ length: 60 }, (_, index) => require('util').promisify(require('zlib').gunzip)(index % 2 === 0 ? require('zlib').gzipSync('t' + index) : 'bad')))).map(({ value, reason }) => value?.toString() ?? reason.code)`,
  `require('zlib').gzip('a')`,
  `await (async () => { const z = require('zlib'); return [z.constants.Z_MAX_CHUNK === Infinity, z.createGzip({ chunkSize: 65536 })._chunkSize] })()`,
  `(() => { const z = require('zlib'); return ['gzip', 'deflate', 'deflateRaw', 'brotliCompress', 'zstdCompress'].map((n) => z[n + 'Sync']('hello '.repeat(100)).toString('base64')) })()`,
  `(() => { const z = require('zlib'); const b = Buffer.from('x'.repeat(3000000)); return [z.gunzipSync(z.gzipSync(b)).equals(b), z.brotliDecompressSync(z.brotliCompressSync(b)).length, z.inflateSync(z.deflateSync(b, { level: 1 })).length, z.zstdDecompressSync(z.zstdCompressSync(b)).length] })()`,
  `require('zlib').gunzipSync('nope')`,
  `require('zlib').inflateSync(require('zlib').deflateSync('abc').subarray(0, 5))`,
  `await require('util').promisify(require('zlib').gunzip)(require('zlib').gzipSync('async')).then(String)`,
  `await new Promise((r) => require('zlib').inflate(Buffer.from('bad'), (e) => r([e.code, e.errno, e.message])))`,
  `await (async () => { const z = require('zlib'); const { Readable } = require('stream'); const chunks = []; for await (const c of Readable.from(['a'.repeat(100000), 'b'.repeat(100000)]).pipe(z.createGzip())) chunks.push(c); return z.gunzipSync(Buffer.concat(chunks)).length })()`,
  `await (async () => { const z = require('zlib'); const g = z.createGunzip(); g.end('garbage'); try { for await (const c of g); } catch (e) { return [e.code, e.message] } })()`,
  `require('zlib').crc32('hello') + Object.keys(require('zlib').constants).length`,
  `require('zlib').gzipSync('a', { level: 42 })`,
  `require('zlib').gunzipSync(require('zlib').gzipSync('a'.repeat(1000)), { maxOutputLength: 10 })`,
  `await (async () => { const d = require('zlib').createDeflate(); d.write('part'); const flushed = await new Promise((r) => d.flush(() => r(d.read()))); d.end(); return flushed.length > 0 })()`,
  `require('zlib').unzipSync(require('zlib').deflateSync('any')).toString()`,
  `require('zlib').inflateRawSync(require('zlib').deflateRawSync('dict dict', { dictionary: Buffer.from('dict') }), { dictionary: Buffer.from('dict') }).toString()`
]

const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})
const ec = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})
const KEYS = `const c = require('crypto'), rsa = ${JSON.stringify(rsa)}, ec = ${JSON.stringify(ec)};`
const withKeys = (body: string) => `(() => { ${KEYS} ${body} })()`

const crypto = [
  ...['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'ripemd160', 'RSA-SHA256'].map(
    (name) => `require('crypto').createHash('${name}').update('añ').update(Buffer.from('b')).digest('hex')`
  ),
  `require('crypto').createHash('shake256', { outputLength: 10 }).update('x').digest('base64url')`,
  `require('crypto').createHash('nope')`,
  `(() => { const h = require('crypto').createHash('md5'); h.update('a'); const copy = h.copy(); copy.update('b'); h.digest(); try { h.update('c') } catch (e) { return [copy.digest('hex'), e.code] } })()`,
  `require('crypto').createHash('md5').update(5)`,
  `require('crypto').hash('sha256', 'x')`,
  `require('crypto').createHmac('sha256', 'key').update('data').digest('base64') + require('crypto').createHmac('sha1', Buffer.from('k')).update('d').digest('hex')`,
  `require('crypto').createHmac('nope', 'k')`,
  `require('crypto').createHmac('sha256', undefined)`,
  `await (async () => { const h = require('crypto').createHash('sha256'); require('stream').Readable.from(['a', 'b']).pipe(h); const parts = []; for await (const p of h) parts.push(p); return Buffer.concat(parts).toString('hex') })()`,
  `await (async () => { const h = require('crypto').createHash('sha256'); await require('stream/promises').pipeline(require('stream').Readable.from(['a', 'b']), h); const first = h.digest('hex'); try { h.digest() } catch (error) { return [first, h.read().toString('hex'), error.code] } })()`,
  `[require('crypto').hash('shake128', 'x', { outputLength: 5 }), require('crypto').hash('sha1', 'x', { outputEncoding: 'base64' }), require('crypto').hash('md5', 'x', 'buffer').length]`,
  `require('util').promisify(require('crypto').generateKeyPair)('ec', { namedCurve: 'P-256' }).then(({ publicKey, privateKey }) => [publicKey.type, privateKey.type])`,
  `require('crypto').generateKeyPair(5, {}, () => {})`,
  `[5, 'aes'].map((type) => { try { require('crypto').generateKeySync(type, { length: 7 }) } catch (error) { return [error.name, error.code, error.message] } })`,
  `require('crypto').generateKey('hmac', { length: 1 }, () => {})`,
  ...['0, 20, "sha1"', '1, "20", "sha1"', '1, -1, "sha1"', '1, 20'].map(
    (rest) => `require('crypto').pbkdf2('pw', 'salt', ${rest}, () => {})`
  ),
  `require('crypto').hkdf(5, 'key', 'salt', 'info', 24, () => {})`,
  `require('crypto').hkdfSync('nope', 'key', 'salt', 'info', 24)`,
  `(() => { const c = require('crypto').createDecipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16)); c.update('x'); try { c.final() } catch ({ code, reason, library, message }) { return [code, reason, library, message] } })()`,
  `require('crypto').pbkdf2Sync('pw', 'salt', 1000, 32, 'sha512').toString('hex')`,
  `await require('util').promisify(require('crypto').pbkdf2)('pw', 'salt', 10, 16, 'sha1').then((b) => b.toString('hex'))`,
  `require('crypto').pbkdf2Sync('pw', 'salt', 1, 16, 'nope')`,
  `require('crypto').scryptSync('pw', 'salt', 32, { N: 1024 }).toString('hex')`,
  `await new Promise((r) => require('crypto').scrypt('pw', 'salt', 16, (e, k) => r(k.toString('hex'))))`,
  `Buffer.from(require('crypto').hkdfSync('sha256', 'key', 'salt', 'info', 24)).toString('hex')`,
  `require('crypto').timingSafeEqual(Buffer.from('a'), Buffer.from('a'))`,
  `[require('crypto').randomBytes(8).length, require('crypto').randomUUID().length, require('crypto').randomInt(5) < 5, require('crypto').randomFillSync(Buffer.alloc(3)).length]`,
  ...['aes-256-cbc', 'aes-128-ctr', 'aes-256-gcm', 'chacha20-poly1305', 'aes-192-ecb'].map(
    (name) =>
      `(() => { const c = require('crypto'), info = c.getCipherInfo('${name}'), key = Buffer.alloc(info.keyLength, 7), iv = info.ivLength ? Buffer.alloc(info.ivLength, 9) : null; const o = { authTagLength: 16 }; const e = c.createCipheriv('${name}', key, iv, o); const text = e.update('héllo wörld', 'utf8', 'hex') + e.final('hex'); const d = c.createDecipheriv('${name}', key, iv, o); let tag = ''; try { tag = e.getAuthTag(); d.setAuthTag(tag); tag = tag.toString('hex') } catch (x) { tag = x.code } return [text, tag, d.update(text, 'hex', 'utf8') + d.final('utf8')] })()`
  ),
  `(() => { const c = require('crypto'); const k = Buffer.alloc(32), iv = Buffer.alloc(12); const e = c.createCipheriv('aes-256-gcm', k, iv); e.setAAD(Buffer.from('aad')); e.update('x'); e.final(); const d = c.createDecipheriv('aes-256-gcm', k, iv); d.setAAD(Buffer.from('other')); d.setAuthTag(e.getAuthTag()); d.update('x'); try { d.final() } catch (error) { return error.message } })()`,
  `require('crypto').createCipheriv('aes-256-cbc', Buffer.alloc(3), Buffer.alloc(16))`,
  `require('crypto').createCipheriv('nope', Buffer.alloc(3), null)`,
  withKeys(
    `const s = c.createSign('RSA-SHA256').update('data').sign(rsa.privateKey, 'base64'); return [s, c.createVerify('sha256').update('data').verify(rsa.publicKey, s, 'base64'), c.createVerify('sha256').update('other').verify(rsa.publicKey, s, 'base64')]`
  ),
  withKeys(
    `const s = c.sign('sha256', Buffer.from('m'), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }); return [s.length, c.verify('sha256', Buffer.from('m'), { key: ec.publicKey, dsaEncoding: 'ieee-p1363' }, s)]`
  ),
  withKeys(
    `const s = c.sign('sha256', Buffer.from('m'), { key: rsa.privateKey, padding: c.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }); return c.verify('sha256', Buffer.from('m'), { key: rsa.publicKey, padding: c.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, s)`
  ),
  withKeys(
    `const k = c.createPrivateKey(rsa.privateKey); return [k.type, k.asymmetricKeyType, k.asymmetricKeyDetails.modulusLength, String(k.asymmetricKeyDetails.publicExponent), k.export({ type: 'pkcs1', format: 'pem' }), c.createPublicKey(k).export({ type: 'spki', format: 'der' }).toString('base64')]`
  ),
  withKeys(
    `const jwk = c.createPublicKey(ec.publicKey).export({ format: 'jwk' }); return [jwk, c.createPublicKey({ key: jwk, format: 'jwk' }).equals(c.createPublicKey(ec.publicKey))]`
  ),
  withKeys(
    `const e = c.publicEncrypt(rsa.publicKey, Buffer.from('secret')); return c.privateDecrypt(rsa.privateKey, e).toString()`
  ),
  withKeys(
    `const e = c.publicEncrypt({ key: rsa.publicKey, encoding: 'hex' }, Buffer.from('secret').toString('hex')); return c.privateDecrypt(rsa.privateKey, e).toString()`
  ),
  withKeys(`return c.createPrivateKey('garbage')`),
  withKeys(`return c.createPrivateKey(5)`),
  `(() => { const c = require('crypto'); const k = c.createSecretKey(Buffer.from('secret')); return [k.type, k.symmetricKeySize, k.export().toString(), k.export({ format: 'jwk' }), c.createHmac('sha256', k).update('x').digest('hex')] })()`,
  `(() => { const c = require('crypto'); const { publicKey, privateKey } = c.generateKeyPairSync('ed25519'); return [publicKey.asymmetricKeyType, c.verify(null, Buffer.from('m'), publicKey, c.sign(null, Buffer.from('m'), privateKey)), privateKey.type] })()`,
  `await new Promise((r) => require('crypto').generateKeyPair('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }, (e, pub, priv) => r([e, pub.split('\\n')[0], priv.split('\\n')[0]])))`,
  `(() => { const c = require('crypto'); const a = c.createECDH('secp256k1'), b = c.createECDH('secp256k1'); a.generateKeys(); b.generateKeys(); return [a.computeSecret(b.getPublicKey()).equals(b.computeSecret(a.getPublicKey())), a.getPublicKey('hex', 'compressed').length] })()`,
  `(() => { const c = require('crypto'); const a = c.generateKeyPairSync('x25519'), b = c.generateKeyPairSync('x25519'); return c.diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey }).equals(c.diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey })) })()`,
  `require('crypto').getHashes().length > 20 && require('crypto').getCiphers().includes('aes-256-gcm') && require('crypto').getCurves().includes('secp256k1')`,
  `require('crypto').getCipherInfo('aes-128-gcm')`,
  `require('crypto').constants.RSA_PKCS1_PSS_PADDING + typeof require('crypto').webcrypto.subtle`
]

const http = [
  `require('http').METHODS.length + Object.keys(require('http').STATUS_CODES).length + require('http').STATUS_CODES[418]`,
  `(() => { const { ServerResponse } = require('http'); const r = new ServerResponse({ method: 'GET' }); r.setHeader('X-A', ['1', '2']); r.statusCode = 201; return [r.getHeaders(), r.getHeaderNames(), r.hasHeader('x-a'), r.headersSent, r.statusCode] })()`,
  `new (require('http').ServerResponse)({ method: 'GET' }).setHeader('bad name', 'x')`,
  `new (require('http').ServerResponse)({ method: 'GET' }).setHeader('a', 'b\\nc')`,
  `(() => { const { IncomingMessage } = require('http'); const m = new IncomingMessage(new (require('stream').PassThrough)()); m.headers = { a: '1' }; m.push('body'); m.push(null); return [m.headers, m.read().toString(), m.httpVersion] })()`,
  `await (async () => { const { ServerResponse, IncomingMessage } = require('http'); const { Writable } = require('stream'); const req = new IncomingMessage(new (require('stream').PassThrough)()); req.method = 'GET'; req.httpVersionMajor = req.httpVersionMinor = 1; const res = new ServerResponse(req); let raw = ''; res.assignSocket(new Writable({ write(c, e, cb) { raw += c; cb() } })); res.sendDate = false; res.writeHead(200, { 'content-type': 'text/plain' }); res.write('hello '); res.end('world'); await require('events').once(res, 'finish'); return raw })()`,
  `(() => { const { createServer } = require('http'); const s = createServer((q, r) => {}); return [s.listenerCount('request'), typeof s.listen] })()`,
  `require('http').validateHeaderName('ok') === undefined && typeof new (require('https').Agent)({ keepAlive: true }).destroy`,
  `require('http').request('http://x/', { method: 'BAD METHOD' })`,
  `require('http').request({ hostname: {} })`,
  `require('https').request({ host: 5 })`,
  `require('http').request('http://x/', { headers: { Host: ['a', 'b'] } })`,
  `(() => { const { ClientRequest } = require('http'); const made = new ClientRequest({ host: 'x.test', path: '/p', method: 'post' }).on('error', () => {}); made.destroy(); return [made instanceof ClientRequest, made.path, made.method, made.host] })()`,
  `require('http').get('https://x/')`,
  `[require('net').isIP('1.2.3.4'), require('net').isIP('::1'), require('net').isIP('x'), require('net').isIPv4('256.1.1.1')]`,
  `require('tty').isatty(1) || typeof require('module').createRequire`,
  `['http2', 'node:tls', 'worker_threads', 'path'].map((name) => typeof require('module').createRequire('/a/b.js')(name))`,
  `(() => { const M = require('module'); const m = new M('/a/b.js'); return [M === M.Module, M.name, Object.keys(M._extensions), M.wrap('x'), M._nodeModulePaths('/a/node_modules/b'), { ...m }, M._load('path', null, false) === require('path'), m.require('node:path') === require('path'), M._findPath('./x', ['/tmp']), M.isBuiltin('node:fs'), M.findSourceMap('x') === undefined] })()`,
  `(() => { const M = require('module'), asked = []; const own = M.prototype.require; M.prototype.require = function (id) { asked.push(id); return own.apply(this, arguments) }; try { new M('/x').require('util') } finally { M.prototype.require = own } return asked })()`,
  `['fs', 'util', 'path', 'events', 'os', 'url', 'stream', 'assert', 'timers', 'querystring'].map((name) => Object.keys({ ...require(name) }).sort())`,
  `require('module')._resolveFilename('./nope')`,
  `(() => { const v8 = require('module').createRequire('/a/b.js')('v8'), heap = v8.getHeapStatistics(); return [heap.heap_size_limit > 0, heap.used_heap_size >= 0, Array.isArray(v8.getHeapSpaceStatistics())] })()`
]

test('compression streams that a function forgot are there again when they were collected', async (t) => {
  const { define } = await share()
  const fn = define(`const { createGzip } = require('zlib')
  exports.handler = async () => {
    for (let made = 0; made < 100; ) {
      try {
        createGzip().write('left open')
        made++
      } catch {
        globalThis.garbage = Array.from({ length: 200 }, () => new Array(5000).fill(made))
        await new Promise((resolve) => setTimeout(resolve))
      }
    }
    return 'enough'
  }`)
  t.is((await fn.result()).json, 'enough')
})

for (const [name, expressions] of Object.entries({ zlib, crypto, http })) {
  test.serial(`${name} gives what Node gives`, async (t) => {
    t.log(`${await compare(t, expressions)} of ${expressions.length} expressions agree`)
  })
}
