import test from 'ava'
import { share } from './_instances.ts'

/** Each expression is evaluated in an instance and must give the value. */
const gives = test.macro(async (t, expressions: [string, unknown][]) => {
  const { define } = await share()
  const source = expressions.map(([expression]) => `async () => (${expression})`).join(',\n')
  const fn = define(`const list = [${source}]
    exports.handler = async () => { const out = []; for (const one of list) { try { out.push([await one()]) } catch (e) { out.push([String(e && e.stack || e)]) } } return out }`)
  const { json } = await fn.result({})
  for (const [index, [expression, expected]] of expressions.entries()) {
    t.deepEqual((json as unknown[][])[index]?.[0] ?? null, expected, expression)
  }
})

test.serial('globals of the web', gives, [
  ['new TextDecoder().decode(new TextEncoder().encode("añ€😀"))', 'añ€😀'],
  ['new TextDecoder("utf-16le").decode(new Uint8Array([65, 0]))', 'A'],
  [
    '(() => { const d = new TextDecoder(); return d.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + d.decode(new Uint8Array([0xac])) })()',
    '€'
  ],
  [
    '(() => { try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])) } catch (e) { return e.name } })()',
    'TypeError'
  ],
  ['atob(btoa("hé"))', 'hé'],
  ['new URL("../x?b=1#h", "http://user@host:81/a/b/").href', 'http://user@host:81/a/x?b=1#h'],
  [
    '(() => { const u = new URL("http://h/?a=1"); u.searchParams.append("b", "2 é"); u.pathname = "/p q"; u.port = "8080"; return [u.href, u.origin, u.search] })()',
    ['http://h:8080/p%20q?a=1&b=2+%C3%A9', 'http://h:8080', '?a=1&b=2+%C3%A9']
  ],
  ['(() => { try { new URL("nope") } catch (e) { return [e.name, e.code] } })()', ['TypeError', 'ERR_INVALID_URL']],
  ['[...new URLSearchParams("a=1&b=%20&a=+%zz")].join("|")', 'a,1|b, |a, %zz'],
  ['structuredClone({ a: new Map([[1, new Date(0)]]), b: [1n] }).a.get(1).toISOString()', '1970-01-01T00:00:00.000Z'],
  ['/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())', true],
  ['crypto.getRandomValues(new Uint32Array(4)).some((n) => n > 0)', true],
  [
    'crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")).then((b) => new Uint8Array(b).toHex().slice(0, 8))',
    'ba7816bf'
  ],
  [
    '(() => { const c = new AbortController(); let n = 0; c.signal.addEventListener("abort", () => n++); c.abort(); c.abort(); return [n, c.signal.reason.name] })()',
    [1, 'AbortError']
  ],
  ['AbortSignal.timeout(5).aborted', false],
  [
    'new Promise((r) => { const t = new EventTarget(); t.addEventListener("x", (e) => r(e.detail), { once: true }); t.dispatchEvent(new CustomEvent("x", { detail: 4 })) })',
    4
  ],
  ['typeof performance.now()', 'number'],
  ['new Promise((r) => queueMicrotask(() => r("micro")))', 'micro'],
  ['new Promise((r) => setImmediate((v) => r(v), "now"))', 'now'],
  ['(() => { const t = setTimeout(() => {}, 1); clearTimeout(t); clearTimeout(undefined); return typeof t.ref })()', 'function'],
  ['fetch("http://example.com").catch((e) => e.message)', 'fetch failed'],
  ['Response.json({ a: 1 }).json()', { a: 1 }],
  ['new Request("http://h/", { method: "post", body: "x" }).text()', 'x'],
  [
    'typeof WebAssembly + typeof SharedArrayBuffer + typeof Atomics.wait + typeof gc + typeof __peerlessCollect',
    'objectundefinedundefinedundefinedundefined'
  ],
  ['(() => { try { new ArrayBuffer(1, { maxByteLength: 2 ** 40 }) } catch (e) { return e.name } })()', 'RangeError'],
  [
    '(() => { try { new (new Uint8Array(1).buffer.constructor)(1, { maxByteLength: 2 ** 40 }) } catch (e) { return e.name } })()',
    'RangeError'
  ],
  ['new ArrayBuffer(8) instanceof ArrayBuffer && new Uint8Array(2).buffer instanceof ArrayBuffer', true]
])

test.serial('process and Buffer', gives, [
  ['process.env.AWS_LAMBDA_FUNCTION_NAME + process.env.AWS_REGION + process.env._HANDLER', 'fneu-test-1index.handler'],
  ['process.env.HOME ?? "none"', 'none'],
  ['new Promise((r) => process.nextTick(r, "tick"))', 'tick'],
  ['process.cwd()', '/var/task'],
  [
    '(async () => { let read = ""; for await (const part of process.stdin.setEncoding("utf8")) read += part; return [read, process.stdin.fd] })()',
    ['', 0]
  ],
  ['process.constrainedMemory() === Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) * 2 ** 20', true],
  [
    '["worker_threads", "child_process", "sqlite"].map((name) => process.getBuiltinModule(name) === undefined)',
    [true, true, true]
  ],
  ['process.hrtime.bigint() >= 0n', true],
  ['process.on("exit", () => {}) === process', true],
  [
    'Buffer.from("aGk=", "base64").toString() + Buffer.from("é").toString("hex") + Buffer.concat([Buffer.from("a"), Buffer.alloc(1, "b")]).toString("latin1")',
    'hic3a9ab'
  ],
  ['Buffer.byteLength("€") + Buffer.from([1, 2]).readUInt16BE(0)', 261]
])

test.serial('node: modules', gives, [
  [
    'require("node:util").inspect({ a: { b: { c: { d: 1 } } }, s: new Set([1]), f() {} })',
    '{ a: { b: { c: [Object] } }, s: Set(1) { 1 }, f: [Function: f] }'
  ],
  ['require("util").format("%s %d %j %%", "a", 4, { b: 1 }, "rest")', 'a 4 {"b":1} % rest'],
  ['require("util").promisify((a, done) => done(null, a + 1))(1)', 2],
  ['require("util").types.isDate(new Date()) && require("util/types").isUint8Array(Buffer.alloc(1))', true],
  ['require("util").isDeepStrictEqual({ a: [1, new Map([[1, 2]])] }, { a: [1, new Map([[1, 2]])] })', true],
  ['new Promise((r) => { const E = require("events"); const e = new E(); e.once("x", r); e.emit("x", 5) })', 5],
  [
    '(() => { const { EventEmitter } = require("node:events"); class A extends EventEmitter {}; return new A().listenerCount("x") })()',
    0
  ],
  [
    'require("path").join("/a", "../b", "c.txt") + require("node:path").extname("x.js") + require("path/posix").basename("/q/r")',
    '/b/c.txt.jsr'
  ],
  ['require("url").parse("http://h:1/p?q=1").pathname + require("node:url").fileURLToPath("file:///a%20b")', '/p/a b'],
  ['new (require("url").URL)("http://x").hostname', 'x'],
  ['require("querystring").stringify({ a: [1, 2], b: "é" })', 'a=1&a=2&b=%C3%A9'],
  [
    '(() => { const a = require("assert"); a(true); a.strictEqual(1, 1); try { a.deepStrictEqual({ a: 1 }, { a: 2 }) } catch (e) { return e.code } })()',
    'ERR_ASSERTION'
  ],
  [
    '(() => { const { StringDecoder } = require("string_decoder"); const d = new StringDecoder("utf8"); return d.write(Buffer.from([0xe2, 0x82])) + d.write(Buffer.from([0xac])) })()',
    '€'
  ],
  ['require("crypto").createHash("sha256").update("a").update(Buffer.from("bc")).digest("hex").slice(0, 8)', 'ba7816bf'],
  ['require("crypto").createHmac("sha1", "key").update("x").digest("base64")', 'KgDo6DQ9+GxMGIsmPuyjMa+jFUg='],
  ['require("crypto").randomBytes(8).length + require("node:crypto").randomInt(5, 6)', 13],
  ['require("crypto").timingSafeEqual(Buffer.from("a"), Buffer.from("a"))', true],
  ['(() => { try { require("crypto").createHash("nope") } catch (e) { return e.message } })()', 'Digest method not supported'],
  ['require("timers/promises").setTimeout(2, "later")', 'later'],
  ['typeof require("timers").setInterval', 'function'],
  ['typeof require("os").platform()', 'string'],
  ['require("process") === process', true],
  ['typeof require("perf_hooks").performance.now()', 'number'],
  ['typeof require("console").log', 'function'],
  ['require("buffer").Buffer === Buffer', true],
  ['require("assert/strict").equal.name.length > 0', true],
  [
    '(async () => { const s = require("module").createRequire("/a.js")("dgram").createSocket("udp4").unref(); const heard = await new Promise((r) => s.send(Buffer.from("x"), 0, 1, 2000, "127.0.0.1", (e) => r(e.message))); await new Promise((r) => s.close(r)); return heard })()',
    'node:dgram does not exist inside functions: a datagram reaches nobody'
  ]
])

test.serial('a signal that outlives what follows it does not keep it in memory', async (t) => {
  const { define } = await share()
  // Egress is closed here: each request fails, and its body of 64 KB with it. All of them together do not fit.
  const fn = define(`const own = new AbortController()
    exports.handler = async ({ requests, signals }) => {
      for (let n = 0; n < requests; n++) {
        const body = new Uint8Array(65536)
        await fetch('http://127.0.0.1/', { method: 'POST', body, signal: own.signal }).catch(() => undefined)
      }
      for (let n = 0; n < signals; n++) {
        for (let m = 0; m < 1000; m++) AbortSignal.any([own.signal])
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
      const heard = []
      AbortSignal.any([own.signal]).addEventListener('abort', () => heard.push(1))
      own.abort()
      return heard
    }`)
  const { json } = await fn.result({ requests: 3000, signals: 300 })
  t.deepEqual(json, [1])
})

test.serial('bytes of East Asian encodings mean the same wherever they are cut', async (t) => {
  const { define } = await share()
  // Leads, trails, digits and what is neither, in any order: mostly malformed.
  const fn =
    define(`const BYTES = [0x20, 0x30, 0x39, 0x41, 0x5c, 0x7f, 0x80, 0x81, 0x82, 0x8e, 0x8f, 0x90, 0xa0, 0xa1, 0xb0, 0xc4, 0xd6, 0xe0, 0xfc, 0xfe, 0xff]
    exports.handler = (encodings) => {
      const wrong = []
      let state = 1
      for (const encoding of encodings) for (let n = 0; n < 400; n++) {
        const bytes = Uint8Array.from({ length: 9 }, () => BYTES[(state = (state * 48271) % 2147483647) % BYTES.length])
        const decoder = new TextDecoder(encoding)
        let text = ''
        for (const byte of bytes) text += decoder.decode(Uint8Array.of(byte), { stream: true })
        text += decoder.decode()
        if (text !== new TextDecoder(encoding).decode(bytes)) wrong.push([encoding, bytes.toHex(), text])
      }
      const decoder = new TextDecoder('shift_jis')
      const early = [[0x93, 0xfa, 0x0a, 0x96], [0x7b]].map((piece) => decoder.decode(Uint8Array.from(piece), { stream: true }))
      return [wrong.slice(0, 5), early, decoder.decode()]
    }`)
  const { json } = await fn.result(['shift_jis', 'euc-jp', 'euc-kr', 'big5', 'gbk', 'gb18030', 'iso-2022-jp'])
  t.deepEqual(json, [[], ['日\n', ''], '本'], 'and what came before a line break is given before the end')
})
