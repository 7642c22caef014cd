import { BUILTINS_SUPPORTED } from '@peerless/interface'
import test from 'ava'
import { compare } from './_compare.ts'

const util = [
  `[Object.getPrototypeOf(require('util').parseEnv('a=1')) === null, require('util').parseEnv('__proto__=x').__proto__]`,
  `[new Headers({ a: '1', b: '2' }), new Headers(), new URL('http://u:p@h:1/p?q=1#f'), new URLSearchParams('a=1&b=2'), new URLSearchParams()].map((v) => require('util').inspect(v))`,
  `[new Response('x', { status: 201 }), Response.error(), new Blob(['abc'], { type: 't/x' }), new File(['a'], 'n.txt', { lastModified: 5 })].map((v) => require('util').inspect(v))`,
  `(() => { const f = new FormData(); f.append('a', '1'); return require('util').inspect([f, { deep: { deeper: { headers: new Headers({ a: 'b' }) } } }, { deep: new AbortController() }]) })()`,
  `[AbortSignal.abort('r'), new TextDecoder(), new ReadableStream(), new ReadableStream({ type: 'bytes' }), new WritableStream()].map((v) => require('util').inspect(v))`,
  `require('util').inspect({ a: 1, b: 'x', c: [1, 2, { d: { e: { f: 1 } } }], g: new Map([['k', new Set([1])]]) })`,
  `require('util').inspect(new Error('boom').message)`,
  `require('util').inspect([undefined, null, -0, 1n, Symbol('s'), /x/g, new Date(0), () => 1, class A {}, function named() {}])`,
  `require('util').inspect({ a: { b: { c: { d: 1 } } } }, { depth: null, compact: false })`,
  `require('util').inspect('a\\'b"c\\n')`,
  `require('util').inspect(Object.create(null, { x: { value: 1, enumerable: true } }))`,
  `require('util').inspect(new (class Foo extends Map {})([[1, 2]]))`,
  `require('util').inspect(Array.from({ length: 120 }, (_, i) => i))`,
  `require('util').inspect({ get a() { return 1 }, set b(v) {}, get c() { return 1 }, set c(v) {} })`,
  `(() => { const o = { n: 1 }; o.self = o; return require('util').inspect(o) })()`,
  `require('util').inspect(Buffer.from('abc'))`,
  `require('util').inspect(new Uint8Array(3)) + require('util').inspect(new ArrayBuffer(4))`,
  `require('util').inspect({ [require('util').inspect.custom](depth, options) { return 'custom ' + options.stylize('x', 'special') } })`,
  `require('util').inspect('x'.repeat(200)).length`,
  `require('util').inspect({ long: 'word '.repeat(30), other: 1 }, { breakLength: 40 })`,
  `require('util').inspect([1, , 3])`,
  `require('util').inspect(Object.assign(() => {}, { a: 1 }))`,
  `require('util').inspect({ a: 1, b: 2 }, { sorted: true, colors: true })`,
  `require('util').format('%s %d %i %f %j %o %O %% %c|', 'a', 1.5, 2.7, '3.5', { a: 1 }, [1], { b: { c: {} } }, 'css', 'rest', { x: 1 })`,
  `require('util').format('%s %s', 'only one')`,
  `require('util').format(1, 'a', { b: 2 })`,
  `await require('util').promisify((a, cb) => cb(null, a + 1))(1)`,
  `await require('util').promisify((cb) => cb(new TypeError('no')))()`,
  `await new Promise((r) => require('util').callbackify(async (x) => x * 2)(4, (e, v) => r([e, v])))`,
  `require('util').promisify(5)`,
  `require('util').isDeepStrictEqual({ a: [1, new Map([[{}, 1]])] }, { a: [1, new Map([[{}, 1]])] })`,
  `require('util').isDeepStrictEqual([0], [-0])`,
  `(() => { function A() {} function B() {} require('util').inherits(A, B); return [new A() instanceof B, A.super_ === B] })()`,
  `require('util').inherits(null, () => {})`,
  `(() => { const first = (make) => { let e; try { e = make() } catch (error) { e = error } return e.stack.split('\\n')[0] }; class Named extends Error { constructor(m) { super(m); this.name = 'Named' } }; const changed = (e) => Object.assign(e, { message: 'in b: ' + e.message }); return [first(() => require('path').join(5)), first(() => Buffer.alloc('x')), first(() => require('url').fileURLToPath()), first(() => require('fs').readFileSync('/nope')), first(() => new Named('x')), first(() => changed(new TypeError('y'))), first(() => { const o = {}; Error.captureStackTrace(o); return o }), require('util').inspect(changed(new RangeError('z'))).split('\\n')[0]] })()`,
  `(() => { const own = Error.prepareStackTrace; Error.prepareStackTrace = (error, sites) => [typeof own, own(error, sites).split('\\n')[0], sites.length > 0]; const made = new Error('x').stack; Error.prepareStackTrace = own; return [made, new Error('y').stack.split('\\n')[0], Error.prepareStackTrace === own] })()`,
  `Object.entries(require('util').types).map(([n, f]) => n + f(new Map()) + f(/x/) + f(async () => {}) + f(new Date()) + f(new Uint8Array()) + f(Object(1n)) + f(new Error()) + f(function* () {}) + f([].values()) + f(new Map().entries())).filter((x) => !/isExternal|isProxy|isKeyObject|isCryptoKey|isSharedArrayBuffer|isEventTarget/.test(x)).sort()`,
  `require('util').parseArgs({ args: ['-f', '--bar', 'b', 'pos'], options: { f: { type: 'boolean', short: 'f' }, bar: { type: 'string' } }, allowPositionals: true })`,
  `require('util').parseArgs({ args: ['--nope'], options: {} })`,
  `require('util').styleText('red', 'x') + require('util').stripVTControlCharacters('\\u001b[31mx\\u001b[39m')`,
  `require('util').toUSVString('a\\ud800')`,
  `new (require('util').MIMEType)('text/html; charset=utf-8').params.get('charset')`,
  `new (require('util').TextDecoder)().decode(new (require('util').TextEncoder)().encode('é'))`,
  `require('util').getSystemErrorName(-2)`,
  `require('util').parseEnv('A=1\\nB="x y"\\n#c\\nC=')`,
  `(() => { const w = require('util').deprecate(() => 7, 'old', 'DEP_X'); return w() })()`,
  `require('util').debuglog('none').enabled`,
  `Object.keys(require('util')).filter((k) => !/TextDecoder|diff|getCallSite|debounce|throttle/.test(k)).sort().join()`,
  `require('util/types') === require('util').types`
]

const assertions = [
  `require('assert')(true)`,
  `require('assert').strictEqual(1, 2)`,
  `require('assert').equal(1, '1')`,
  `require('assert').deepStrictEqual({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] })`,
  `require('assert').deepEqual([1, '2'], ['1', 2])`,
  `require('assert').throws(() => { throw new TypeError('bad value') }, { name: 'TypeError', message: /bad/ })`,
  `require('assert').throws(() => {})`,
  `await require('assert').rejects(Promise.reject(new Error('r')), /r/)`,
  `await require('assert').doesNotReject(Promise.reject(new Error('r')))`,
  `require('assert').notStrictEqual(1, 1)`,
  `require('assert').match('abc', /x/)`,
  `require('assert').ifError(null)`,
  `require('assert').fail('failed')`,
  `require('assert').ok(0, 'zero')`,
  `require('assert/strict').equal(1, '1')`,
  `(() => { try { require('assert').strictEqual('a', 'b') } catch (e) { return [e.actual, e.expected, e.operator, e.generatedMessage, e instanceof require('assert').AssertionError] } })()`,
  `require('assert').partialDeepStrictEqual({ a: 1, b: 2 }, { a: 1 })`
]

const events = [
  `(() => { const E = require('events'); const e = new E(); const l = []; e.on('x', (v) => l.push('a' + v)); e.prependListener('x', (v) => l.push('b' + v)); e.once('x', () => l.push('once')); e.emit('x', 1); e.emit('x', 2); return [l, e.listenerCount('x'), e.eventNames()] })()`,
  `new (require('events'))().emit('error', new Error('unheard'))`,
  `new (require('events'))().emit('error', 'text')`,
  `await (async () => { const { once, EventEmitter } = require('events'); const e = new EventEmitter(); queueMicrotask(() => e.emit('go', 1, 2)); return await once(e, 'go') })()`,
  `await (async () => { const { on, EventEmitter } = require('events'); const e = new EventEmitter(); queueMicrotask(() => { e.emit('v', 1); e.emit('v', 2) }); const out = []; for await (const [v] of on(e, 'v')) { out.push(v); if (out.length === 2) break } return out })()`,
  `(() => { const e = new (require('events'))({ captureRejections: true }); return e.getMaxListeners() })()`,
  `new (require('events'))().on('x', 5)`,
  `(() => { const E = require('events'); const e = new E(); const f = () => {}; e.on('a', f); e.off('a', f); e.on('newListener', () => {}); return [e.rawListeners('a').length, E.defaultMaxListeners, typeof E.EventEmitterAsyncResource] })()`,
  `require('events') === require('events').EventEmitter`,
  `await (async () => { const { once, EventEmitter } = require('events'); const c = new AbortController(); c.abort(); return await once(new EventEmitter(), 'x', { signal: c.signal }) })()`
]

const paths = [
  `['/foo/*.js', '**/*.txt', 'a{b,c}d', '[a-c]x', '!(x)'].map((p) => ['/foo/b.js', 'a/b.txt', 'abd', 'bx', 'x'].map((n) => [require('path').matchesGlob(n, p), require('path').win32.matchesGlob(n, p)]))`,
  `require('path').matchesGlob(5, '*')`,
  `require('path').join('/a', '../b', './c//d')`,
  `require('path').resolve('/a/b', '../c', 'd')`,
  `require('path').relative('/a/b/c', '/a/d')`,
  `require('path').parse('/home/user/file.tar.gz')`,
  `require('path').format({ dir: '/x', name: 'f', ext: '.e' })`,
  `require('path').normalize('/a/./b/../../c/')`,
  `[require('path').basename('/a/b.html', '.html'), require('path').extname('.x.y'), require('path').dirname('/a/b/'), require('path').isAbsolute('a')]`,
  `require('path').win32.join('c:\\\\a', '..', 'b')`,
  `require('path').posix === require('path') && require('path/posix') === require('path')`,
  `require('path').join(1)`,
  `require('path').matchesGlob === undefined`,
  `[require('path').sep, require('path').delimiter, require('path').toNamespacedPath('/x')]`
]

const texts = [
  `(() => { const { StringDecoder } = require('string_decoder'); const bytes = Buffer.from('a👍b👍', 'utf16le'); const told = []; for (let first = 0; first < bytes.length; first++) for (let second = first; second < bytes.length; second++) { const d = new StringDecoder('utf16le'); told.push(d.write(bytes.subarray(0, first)) + d.write(bytes.subarray(first, second)) + d.write(bytes.subarray(second)) + d.end()) } return told })()`,
  `require('querystring').parse('a=1&b=2&a=3&c=%20x+y&d')`,
  `require('querystring').stringify({ a: [1, 2], b: 'x y', c: '', d: true, e: undefined })`,
  `require('querystring').escape('a b&é') + require('querystring').unescape('%E4%BD%zz')`,
  `require('querystring').parse('a:1;b:2', ';', ':')`,
  `(() => { const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('utf8'); return d.write(Buffer.from([0xe2, 0x82])) + d.write(Buffer.from([0xac])) + d.end(Buffer.from([0xe2])) })()`,
  `(() => { const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('base64'); return d.write(Buffer.from('abcd')) + '|' + d.end() })()`,
  `(() => { const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('utf16le'); return d.write(Buffer.from([0x3d, 0xd8, 0x4d])) + d.write(Buffer.from([0xdc])) + d.end() })()`,
  `(() => { const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('hex'); return d.write(Buffer.from([1, 255])) + d.lastNeed + d.encoding })()`,
  `new (require('string_decoder').StringDecoder)('nope')`,
  `(() => { const { StringDecoder } = require('string_decoder'); const all = Buffer.from('añ€😀漢'); let out = ''; const d = new StringDecoder(); for (const b of all) out += d.write(Buffer.from([b])); return out + d.end() })()`,
  `require('url').parse('http://user:pa%20ss@host.com:8080/p/a/t/h?query=string#hash')`,
  `require('url').parse('/a?b=c&d', true).query`,
  `require('url').format({ protocol: 'https', hostname: 'x.org', pathname: '/y', query: { a: 1 } })`,
  `require('url').resolve('/one/two/three', 'four') + require('url').resolve('http://example.com/one', '/two')`,
  `require('url').fileURLToPath('file:///a/b%20c') + require('url').pathToFileURL('/x y#z').href`,
  `require('url').fileURLToPath('http://x/')`,
  `require('url').urlToHttpOptions(new URL('http://a:b@[::1]:81/p?q#h'))`,
  `[require('url').domainToASCII('español.com'), require('url').domainToUnicode('xn--espaol-zwa.com')]`,
  `require('url').format(new URL('http://u:p@測試.com/x?a#b'), { auth: false, fragment: false, unicode: true })`,
  `new (require('url').URL)('http://a/b?c=d').searchParams.get('c')`,
  `require('url').URL === URL && require('url').URLSearchParams === URLSearchParams`,
  `require('punycode').encode('mañana') + require('punycode').toASCII('mañana.com')`
]

const buffers = [
  `Buffer.from('añ€😀').toString('hex')`,
  `Buffer.from('añ€😀').toString('base64') + Buffer.from('añ€😀').toString('base64url')`,
  `Buffer.from([0xff, 0xc0, 0x80, 0xe2, 0x82, 0x41, 0xf0, 0x9f]).toString()`,
  `Buffer.from('aGVsbG8', 'base64').toString() + Buffer.from(' a-_G\\nVs bG8= ignored', 'base64').toString('hex')`,
  `Buffer.from('zz01', 'hex').length + Buffer.from('0a1', 'hex').toString('hex')`,
  `Buffer.from('añ', 'latin1').toString('hex') + Buffer.from('añ', 'utf16le').toString('hex') + Buffer.from('ñ', 'ascii').toString('ascii')`,
  `Buffer.concat([Buffer.from('a'), new Uint8Array([98])], 4)`,
  `Buffer.alloc(5, 'ab').toString() + Buffer.alloc(3, 1).toString('hex') + Buffer.alloc(2, '').length`,
  `Buffer.from('hello world').indexOf('o', 5) + Buffer.from('hello').lastIndexOf('l') + Buffer.from('abc').indexOf(99) + Buffer.from('abc').indexOf(Buffer.from('bc'))`,
  `[Buffer.from('abcabc').indexOf('c', -2), Buffer.from('abc').lastIndexOf('a', -1), Buffer.from('abc').indexOf(''), Buffer.from('abcdef').includes('cd'), Buffer.from('a\\u0000b\\u0000', 'latin1').indexOf('b', 0, 'utf16le')]`,
  `Buffer.compare(Buffer.from('a'), Buffer.from('b')) + Buffer.from('abc').compare(Buffer.from('xabc'), 1)`,
  `Buffer.from('abc').equals(new Uint8Array([97, 98, 99]))`,
  `(() => { const b = Buffer.alloc(16); b.writeUInt32BE(0xdeadbeef, 0); b.writeInt16LE(-2, 4); b.writeDoubleBE(1.5, 6); return [b.toString('hex'), b.readInt32BE(0), b.readUIntLE(0, 6), b.readFloatLE(2)] })()`,
  `(() => { const b = Buffer.alloc(8); b.writeBigInt64LE(-5n); return b.readBigUInt64BE().toString() })()`,
  `Buffer.alloc(2).readUInt32LE(0)`,
  `Buffer.alloc(2).writeUInt8(300)`,
  `Buffer.from({})`,
  `Buffer.from(5)`,
  `Buffer.alloc(-1)`,
  `Buffer.from('test').toJSON()`,
  `Buffer.from('0102', 'hex').swap16().toString('hex')`,
  `Buffer.from('abc').swap16()`,
  `Buffer.from('abcdef').subarray(1, -1).toString() + Buffer.from('abc').slice(-2).toString()`,
  `Buffer.byteLength('€') + Buffer.byteLength('aGk=', 'base64') + Buffer.byteLength(new ArrayBuffer(3))`,
  `(() => { const b = Buffer.alloc(4); return [b.write('€€'), b.toString('hex'), b.write('ab', 3), b.fill('xy', 1, 3).toString('latin1')] })()`,
  `(() => { const a = Buffer.from('12345'); a.copy(a, 1, 0, 4); return a.toString() })()`,
  `Buffer.isEncoding('UTF-8') && !Buffer.isEncoding('x') && Buffer.isBuffer(Buffer.alloc(1)) && !Buffer.isBuffer(new Uint8Array(1))`,
  `Buffer.from('x').toString('nope')`,
  `require('buffer').isUtf8(Buffer.from([0xc3, 0x28])) + ' ' + require('buffer').isAscii(Buffer.from('a'))`,
  `require('buffer').transcode(Buffer.from('€'), 'utf8', 'latin1').toString('hex')`,
  `JSON.stringify({ b: Buffer.from('hi') })`,
  `[...Buffer.from('ab').entries()].join(';') + Buffer.from('ab').at(-1)`,
  `String(Buffer.from('str')) + Buffer.from(new String('boxed')) + Buffer.from(Buffer.from('copy'))`,
  `Buffer.from(new Uint16Array([256, 257])).toString('hex') + Buffer.from(new Uint16Array([1]).buffer).toString('hex')`,
  `Buffer.of(1, 2, 256).toString('hex') + Buffer.poolSize`,
  `require('buffer').Buffer === Buffer && require('buffer').constants.MAX_LENGTH > 0`,
  `Buffer.from('a'.repeat(9000) + '€'.repeat(3000)).toString().length`
]

const streams = [
  `await (async () => { const { Readable } = require('stream'); const out = []; for await (const c of Readable.from(['a', 'b'])) out.push(c); return out })()`,
  `await (async () => { const { Transform, Readable, Writable } = require('stream'); const { pipeline } = require('stream/promises'); let text = ''; await pipeline(Readable.from(['x', 'y']), new Transform({ transform(c, e, cb) { cb(null, String(c).toUpperCase()) } }), new Writable({ write(c, e, cb) { text += c; cb() } })); return text })()`,
  `await (async () => { const { PassThrough } = require('stream'); const p = new PassThrough(); p.write('a'); p.end('b'); const parts = []; p.on('data', (d) => parts.push(d.toString())); await require('events').once(p, 'end'); return [parts, p.readableEnded, p.destroyed] })()`,
  `await (async () => { const { Readable } = require('stream'); return await Readable.from([1, 2, 3, 4]).filter((x) => x % 2).map(async (x) => x * 10).toArray() })()`,
  `await require('stream/promises').pipeline(require('stream').Readable.from(['a']), async function* (source) { for await (const c of source) yield c + c }, async (source) => { let s = ''; for await (const c of source) s += c; return s })`,
  `await (async () => { const { Writable } = require('stream'); const w = new Writable({ highWaterMark: 2, write(c, e, cb) { setTimeout(cb, 1) } }); const first = w.write('abc'); await require('events').once(w, 'drain'); w.end(); await require('stream/promises').finished(w); return [first, w.writableFinished] })()`,
  `await (async () => { const { Readable } = require('stream'); const r = new Readable({ read() { this.destroy(new Error('gone')) } }); r.resume(); const [e] = await require('events').once(r, 'error'); return e.message })()`,
  `await (async () => { const { pipeline, Readable, Writable } = require('stream'); return await new Promise((r) => pipeline(Readable.from(['a']), new Writable({ write(c, e, cb) { cb(new Error('full')) } }), (e) => r(e.message))) })()`,
  `(() => { const { Readable, Writable, Duplex, Transform, Stream } = require('stream'); return [new Duplex() instanceof Writable, new Transform() instanceof Readable, require('stream') === Stream] })()`,
  `await (async () => { const { Duplex } = require('stream'); const d = Duplex.from(async function* (s) { for await (const c of s) yield String(c) + '!' }); d.end('x'); let t = ''; for await (const c of d) t += c; return t })()`,
  `await (async () => { const { Readable } = require('stream'); const r = Readable.from(Buffer.from('abcdef')); r.setEncoding('hex'); let s = ''; for await (const c of r) s += c; return s })()`,
  `await (async () => { const { Readable, addAbortSignal } = require('stream'); const c = new AbortController(); const r = addAbortSignal(c.signal, new Readable({ read() {} })); c.abort(); const [e] = await require('events').once(r, 'error'); return [e.name, e.code] })()`,
  `(() => { const { Readable } = require('stream'); const r = new Readable({ objectMode: true, read() {} }); r.push({ a: 1 }); r.push(null); return [r.read(), r.readableHighWaterMark, r.readableObjectMode] })()`,
  `await (async () => { const { Writable } = require('stream'); const w = new Writable(); w.end(); try { w.write('x') } catch (e) { return e.code } return await new Promise((r) => w.on('error', (e) => r(e.code))) })()`,
  `new (require('stream').Writable)().write(null)`
]

const others = [
  `await new Promise((done) => { const timer = setTimeout(function () { const told = [this === timer, timer.refresh() === timer]; clearTimeout(timer); done([...told, timer._destroyed]) }, 1) })`,
  `await new Promise((done) => { let count = 0; const timer = setTimeout(() => { if (++count === 3) done(count); else timer.refresh() }, 1) })`,
  `await new Promise((done) => { let count = 0; setInterval(function () { if (++count < 3) return; clearInterval(this); done(count) }, 1) })`,
  `await (async () => { let count = 0; const timer = setTimeout(() => count++, 1); await new Promise((r) => setTimeout(r, 10)); timer.close(); timer.refresh(); await new Promise((r) => setTimeout(r, 10)); return count })()`,
  `setTimeout()`,
  `setInterval('code', 1)`,
  `setImmediate({})`,
  `queueMicrotask(null)`,
  `(() => { const { unref, ref } = setTimeout(() => {}, 1); return [typeof unref.call({}), typeof ref.call({})] })()`,
  `(() => { process.env.COUNT = 5; process.env.NONE = undefined; Object.assign(process.env, { YES: true }); const told = [process.env.COUNT, process.env.NONE, process.env.YES, { ...process.env }.COUNT]; for (const name of ['COUNT', 'NONE', 'YES']) delete process.env[name]; return [...told, 'COUNT' in process.env] })()`,
  `process.env.SYMBOL = Symbol('s')`,
  `await new Promise((done) => { process.once('warning', (warning) => done([warning.name, warning.code, warning.message, warning.detail, warning instanceof Error])); process.emitWarning('careful', { type: 'Notice', code: 'N1', detail: 'more' }) })`,
  `await new Promise((done) => { process.once('warning', ({ name, message }) => done([name, message])); require('util').deprecate(() => 1, 'use another')() })`,
  `await new Promise((done) => { process.once('warning', ({ name, count, type }) => done([name, count, type])); const emitter = new (require('events'))(); for (let index = 0; index < 11; index++) emitter.on('many', () => {}) })`,
  `process.emitWarning({})`,
  `await (async () => { const { AsyncLocalStorage } = require('async_hooks'); const s = new AsyncLocalStorage(); return s.run({ a: 1 }, () => s.getStore().a) + String(s.getStore()) })()`,
  `(() => { const { AsyncResource } = require('async_hooks'); return new AsyncResource('X').runInAsyncScope((a) => a + 1, null, 2) })()`,
  `(() => { const dc = require('diagnostics_channel'); const got = []; const c = dc.channel('my'); c.subscribe((m, n) => got.push(m, n)); c.publish(5); return [got, c.hasSubscribers, dc.hasSubscribers('other')] })()`,
  `(() => { const dc = require('diagnostics_channel'); const t = dc.tracingChannel('t'); const got = []; t.subscribe({ start: () => got.push('start'), end: () => got.push('end') }); t.traceSync(() => got.push('run')); return got })()`,
  `Object.keys(require('os').constants.signals).length + require('os').EOL + require('os').platform() + require('os').type() + require('os').endianness()`,
  `require('constants').SIGTERM + require('constants').O_RDONLY`,
  `await require('timers/promises').setTimeout(1, 'v')`,
  `await (async () => { const c = new AbortController(); setTimeout(() => c.abort(), 1); return await require('timers/promises').setTimeout(500, 'v', { signal: c.signal }) })()`,
  `await new Promise((r) => require('timers').setImmediate(r, 7))`,
  `await (async () => { const out = []; for await (const v of require('timers/promises').setInterval(1, 'i')) { out.push(v); if (out.length === 2) break } return out })()`,
  `typeof process.nextTick + process.platform + typeof process.versions.node + typeof process.hrtime()[0] + process.argv.length`,
  `await (async () => { const order = []; await new Promise((r) => setTimeout(() => { Promise.resolve().then(() => order.push('promise')); process.nextTick(() => order.push('tick')); order.push('sync'); setTimeout(r, 1) }, 1)); return order })()`,
  `(() => { let n = 0; const f = () => n++; process.on('custom', f); process.emit('custom'); process.off('custom', f); process.emit('custom'); return [n, process.listenerCount('custom')] })()`,
  `require('node:process') === process && require('process').env === process.env`,
  `[process.getBuiltinModule('node:path') === require('path'), process.getBuiltinModule('path').sep, process.getBuiltinModule('nope'), process.getBuiltinModule('node:nope')]`,
  `process.getBuiltinModule(5)`,
  `[process.version, ...['node', 'v8', 'zlib', 'brotli', 'zstd', 'modules'].map((name) => process.versions[name])]`,
  `['getuid', 'getgid', 'availableMemory', 'constrainedMemory', 'resourceUsage', 'getActiveResourcesInfo', 'loadEnvFile', 'ref', 'unref', 'setSourceMapsEnabled'].map((name) => typeof process[name])`,
  `[Object.keys(process.resourceUsage()), process.allowedNodeEnvironmentFlags instanceof Set, process.features.require_module, 'stdin' in process, Object.prototype.toString.call(process)]`,
  `(() => { process.getuid = 5; const own = process.getuid; delete process.getuid; return own })()`
]

/** A dynamic import, an `export *` and a copy read all members, those too that Node loads when they are read first. */
const members = [
  ...BUILTINS_SUPPORTED.map((name) => `Object.values({ ...require('node:${name}') }).length > 0`),
  `await (async () => { const slow = require('util').throttle((n) => n * 2, 1, 5); return Promise.all([slow(1), slow(2), slow(3)]) })()`,
  `await (async () => { const s = new (require('fs').Utf8Stream)({ dest: '/tmp/utf8-stream', append: false, sync: true }); s.write('a\\n'); s.write('b\\n'); s.end(); await require('events').once(s, 'close'); return require('fs').readFileSync('/tmp/utf8-stream', 'utf8') })()`
]

const tables = { util, assertions, events, paths, texts, buffers, streams, others, members }

for (const [name, expressions] of Object.entries(tables)) {
  test.serial(`${name} give what Node gives`, async (t) => {
    t.log(`${await compare(t, expressions)} of ${expressions.length} expressions agree`)
  })
}
