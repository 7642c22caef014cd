import test from 'ava'
import { compare } from './_compare.ts'

const ENCODING = [
  'utf8("héllo €😀")',
  'utf8("\\ud800x")',
  'new TextEncoder().encoding',
  'new TextEncoder().encode()',
  'Object.prototype.toString.call(new TextEncoder())',
  'new TextEncoder().encodeInto("héé", new Uint8Array(4))',
  'new TextEncoder().encodeInto("a😀b", new Uint8Array(5))',
  'new TextEncoder().encodeInto("a😀b", new Uint8Array(4))',
  'new TextEncoder().encodeInto("aaaa😀", new Uint8Array(4))',
  'new TextEncoder().encodeInto("\\ud83d", new Uint8Array(3))',
  'new TextEncoder().encodeInto("ab\\ud83d\\ude00", new Uint8Array(2))',
  'thrown(() => new TextEncoder().encodeInto("x", [])).name',
  'new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0x41))',
  'new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 0x41)).length',
  'new TextDecoder().decode(bytes(0xc3, 0x28, 0xf0, 0x9f))',
  'thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(0xff))).name',
  'thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(0xff))).code',
  'thrown(() => new TextDecoder("nonsense"))',
  '["utf8", "UTF-8", " unicode-1-1-utf-8 ", "ascii", "latin1", "iso-8859-1", "utf-16", "utf-16be", "windows-1252", "shift_jis", "euc-kr", "gb18030", "koi8-r"].map((label) => new TextDecoder(label).encoding)',
  'new TextDecoder("latin1").decode(bytes(0xe9, 0x80))',
  'new TextDecoder("utf-16le").decode(bytes(0x61, 0, 0x3d, 0xd8, 0, 0xde))',
  'new TextDecoder("shift_jis").decode(bytes(0x82, 0xa0))',
  '(() => { const d = new TextDecoder(); return [d.decode(bytes(0xe2, 0x82), { stream: true }), d.decode(bytes(0xac), { stream: true }), d.decode()] })()',
  '(() => { const d = new TextDecoder(); return [d.decode(bytes(0xf0, 0x9f), { stream: true }), d.decode()] })()',
  '(() => { const d = new TextDecoder("utf-16le"); return [d.decode(bytes(0x3d), { stream: true }), d.decode(bytes(0xd8, 0, 0xde), { stream: true }), d.decode()].join("") })()',
  '(() => { const d = new TextDecoder(); return [d.decode(bytes(0xef), { stream: true }), d.decode(bytes(0xbb, 0xbf, 0x41), { stream: true }), d.decode()].join("") })()',
  'new TextDecoder().decode(new DataView(utf8("abc").buffer, 1))',
  'thrown(() => new TextDecoder().decode("x")).name',
  'thrown(() => new TextDecoder().decode("x")).code',
  '[new TextDecoder().fatal, new TextDecoder("utf8", { fatal: 1 }).fatal, new TextDecoder().ignoreBOM]',
  'collect(new Blob(["h", "é"]).stream().pipeThrough(new TextDecoderStream())).then((parts) => parts.join(""))',
  'collect(ReadableStream.from(["a\\ud83d", "\\ude00b"]).pipeThrough(new TextEncoderStream())).then((parts) => parts.map((part) => part.toHex()).join(""))',
  'collect(ReadableStream.from(["\\ud83d"]).pipeThrough(new TextEncoderStream())).then((parts) => parts.map((part) => part.toHex()))',
  'collect(ReadableStream.from([bytes(0xe2), bytes(0x82, 0xac)]).pipeThrough(new TextDecoderStream())).then((parts) => parts.join(""))',
  'collect(ReadableStream.from([bytes(0xff)]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true })))',
  '[new TextDecoderStream("utf-16be").encoding, new TextEncoderStream().encoding]',
  'btoa("hello\\xff")',
  'thrown(() => btoa("€"))',
  'thrown(() => btoa("€")).code',
  'atob(" aGVs bG8 ")',
  'atob("aGVsbG8")',
  'thrown(() => atob("a"))',
  'thrown(() => atob("****")).name',
  'thrown(() => atob()).name',
  '[atob(""), btoa(""), btoa(null), btoa(undefined)]'
]

const CLONING = [
  'structuredClone({ a: [1, { b: "x" }], c: null, d: undefined })',
  'structuredClone(new Date(5))',
  'structuredClone(/a+/gi)',
  'structuredClone(new Map([[{ a: 1 }, new Set([1, 2])]]))',
  'structuredClone(new Uint16Array([1, 2, 3]))',
  'structuredClone(new DataView(new ArrayBuffer(4), 1, 2)).byteOffset',
  '(() => { const a = { n: 1 }; a.self = a; const b = structuredClone(a); return [b !== a, b.self === b] })()',
  '(() => { const s = {}; const { a, b } = structuredClone({ a: s, b: s }); return a === b })()',
  'thrown(() => structuredClone(() => 1))',
  'thrown(() => structuredClone(() => 1)).code',
  'thrown(() => structuredClone(Symbol("x"))).name',
  'thrown(() => structuredClone(new WeakMap())).name',
  'thrown(() => structuredClone(Promise.resolve())).name',
  'thrown(() => structuredClone({ f() {} })).name',
  'thrown(() => structuredClone()).name',
  'structuredClone(new RangeError("m", { cause: { x: 1 } })).cause',
  'structuredClone(new TypeError("m")) instanceof TypeError',
  '(() => { class Own extends Error { name = "Own" }; const e = structuredClone(new Own("m")); return [e.name, e.constructor === Error, e.message] })()',
  'structuredClone(new (class A { constructor() { this.x = 1 } get y() { return 2 } })())',
  '[structuredClone(Object("s")), structuredClone(Object(1)), structuredClone(Object(true))].map((value) => typeof value + value)',
  'structuredClone(10n ** 20n)',
  'Object.hasOwn(structuredClone({ __proto__: null, ["__proto__"]: 1 }), "__proto__")',
  '(() => { const b = new ArrayBuffer(8); const c = structuredClone({ b }, { transfer: [b] }); return [b.byteLength, b.detached, c.b.byteLength] })()',
  '(() => { const u = new Uint8Array([1, 2]); const c = structuredClone(u, { transfer: [u.buffer] }); return [u.length, c] })()',
  'thrown(() => { const b = new ArrayBuffer(1); structuredClone(1, { transfer: [b, b] }) }).name',
  'thrown(() => structuredClone(1, { transfer: [{}] })).name',
  '(() => { const b = new ArrayBuffer(4); thrown(() => structuredClone([b, () => 1], { transfer: [b] })); return b.byteLength })()',
  'structuredClone([1, , 3]).hasOwnProperty(1)',
  'structuredClone(Object.assign([1], { x: 2 })).x',
  'structuredClone(new DOMException("m", "AbortError"))',
  'structuredClone(new Blob(["ab"], { type: "text/x" })).text()',
  'structuredClone(structuredClone).name',
  'structuredClone(NaN)',
  'structuredClone(-0)'
]

const BLOBS = [
  'new Blob(["a", bytes(98), new Blob(["c"])]).text()',
  '[new Blob(["é"]).size, new Blob().size, new Blob([new ArrayBuffer(3)]).size]',
  '[new Blob([], { type: "TEXT/Plain" }).type, new Blob([], { type: "a\\u0001" }).type]',
  'new Blob(["hello"]).slice(1, -1).text()',
  'new Blob(["hello"], { type: "a/b" }).slice(0, 2, "c/d").type',
  'new Blob(["hello"]).slice(-3, 10).text()',
  'new Blob(["hi"]).arrayBuffer()',
  'new Blob(["hi"]).bytes()',
  'collect(new Blob(["hi"]).stream())',
  'new Blob([{}, null, 1]).text()',
  'thrown(() => new Blob("text")).name',
  'thrown(() => new Blob(1)).name',
  'Object.prototype.toString.call(new Blob())',
  '(() => { const f = new File(["x"], "n.txt", { type: "t/p", lastModified: 7 }); return [f.name, f.type, f.lastModified, f.size, f instanceof Blob] })()',
  'thrown(() => new File(["x"])).name',
  'Object.prototype.toString.call(new File([], "x"))',
  'collect(new Blob(["x".repeat(200000)]).stream()).then((parts) => parts.reduce((sum, part) => sum + part.length, 0))',
  'new Blob(["abc"]).stream().getReader({ mode: "byob" }).read(new Uint8Array(2))'
]

const FORMS = [
  '(() => { const f = new FormData(); f.append("a", 1); f.append("a", "2"); f.set("b", "x"); return [...f] })()',
  '(() => { const f = new FormData(); f.append("a", 1); f.append("b", 2); f.append("a", 3); f.set("a", 4); return [...f] })()',
  '(() => { const f = new FormData(); f.append("a", 1); f.delete("a"); return [f.has("a"), f.get("a"), f.getAll("a")] })()',
  '(() => { const f = new FormData(); f.append("f", new Blob(["x"])); const v = f.get("f"); return [v instanceof File, v.name, v.type] })()',
  '(() => { const f = new FormData(); f.append("f", new Blob(["x"], { type: "a/b" }), "n"); return [f.get("f").name, f.get("f").type] })()',
  '(() => { const f = new FormData(); f.append("a", 1); f.append("b", 2); f.append("c", 3); for (const [name] of f) f.delete(name); return [[...f], Object.prototype.toString.call(f.keys())] })()',
  'new Response("\ufeffa=\ufeffb", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData().then((f) => [...f])',
  '(async () => { const w = new TextDecoderStream().writable.getWriter(); return await w.write(undefined).catch((e) => e.name) })()',
  'Promise.all([[0.5], [1.5], [2.5, 6.5], [-1.5], [-0.5], ["3"], [null, 4], [NaN], [Infinity], [-Infinity, Infinity], [2 ** 40], [undefined, -3]].map((args) => new Blob(["abcdefghij"]).slice(...args).text()))',
  '[123, "abc", true, null, undefined, () => 1, []].map((options) => thrown(() => new Blob([], options).size).name)',
  'thrown(() => new FormData(1)).name',
  'thrown(() => new FormData().append("a")).name',
  '(() => { const f = new FormData(); f.append("a", "\\ud800"); return f.get("a") })()',
  '(() => { const f = new FormData(); f.append("x", 1); const seen = []; f.forEach((value, key) => seen.push([key, value])); return seen.concat([...f.keys()], [...f.values()]) })()',
  '(async () => { const f = new FormData(); f.append("a\\"b", "1\\n2"); f.append("f", new File(["xyz"], "é.txt", { type: "t/x" })); const r = new Response(f); const g = await r.formData(); return [[...g.keys()], g.get("a\\"b"), await g.get("f").text(), g.get("f").name, g.get("f").type] })()',
  '(async () => { const r = new Response(new FormData()); return /^multipart\\/form-data; boundary=/.test(r.headers.get("content-type")) })()',
  'new Response("a=1&b=%20+x&a=2", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData().then((f) => [...f])',
  'new Response("x", { headers: { "content-type": "text/plain" } }).formData().catch((error) => error.name)',
  'new Response("--x\\r\\nContent-Disposition: form-data; name=\\"a\\"\\r\\n\\r\\nv\\r\\n--x--\\r\\n", { headers: { "content-type": "multipart/form-data; boundary=x" } }).formData().then((f) => [...f])',
  'new Response("--x\\r\\nbroken", { headers: { "content-type": "multipart/form-data; boundary=x" } }).formData().catch((error) => error.name)',
  'new Response("--x\\r\\nContent-Disposition: form-data; name=\\"f\\"; filename=\\"t\\"\\r\\n\\r\\n\\r\\nv\\r\\n\\r\\n--x--", { headers: { "content-type": "multipart/form-data; boundary=\\"x\\"" } }).formData().then((f) => f.get("f").text())',
  'Object.prototype.toString.call(new FormData())'
]

test('encoding', async (t) => {
  await compare(t, ENCODING)
})

test('structured clones', async (t) => {
  await compare(t, CLONING)
})

test('blobs, files and forms', async (t) => {
  await compare(t, [...BLOBS, ...FORMS])
})
