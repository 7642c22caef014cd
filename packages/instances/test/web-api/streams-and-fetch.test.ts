import test from 'ava'
import { compare } from './_compare.ts'

const STREAMS = [
  'collect(ReadableStream.from([1, 2, 3]))',
  'collect(ReadableStream.from((async function* () { yield "a"; yield "b" })()))',
  'collect(new ReadableStream({ start(c) { c.enqueue(1); c.close() } }))',
  'collect(new ReadableStream({ start(c) { c.error(new RangeError("x")) } }))',
  'collect(new ReadableStream({ pull(c) { throw new TypeError("p") } }))',
  '(async () => { let n = 0; const s = new ReadableStream({ pull(c) { c.enqueue(n++); if (n === 3) c.close() } }, { highWaterMark: 0 }); await turn(); const before = n; return [before, await collect(s)] })()',
  '(async () => { const [a, b] = ReadableStream.from([1, 2]).tee(); return [await collect(a), await collect(b)] })()',
  '(async () => { let reason; const s = new ReadableStream({ cancel(r) { reason = r } }); await s.cancel("why"); return reason })()',
  '(() => { const s = new ReadableStream(); s.getReader(); return [s.locked, thrown(() => s.getReader()).name] })()',
  '(async () => { const s = ReadableStream.from([1, 2]); for await (const x of s) break; return s.locked })()',
  '(async () => { const s = ReadableStream.from([1, 2]); for await (const x of s.values({ preventCancel: true })) break; return await collect(s) })()',
  '(async () => { const r = new ReadableStream({ start(c) { c.close() } }).getReader(); return [await r.closed, await r.read()] })()',
  '(async () => { const s = new ReadableStream({ type: "bytes", pull(c) { c.byobRequest.view[0] = 7; c.byobRequest.respond(1) } }); return (await s.getReader({ mode: "byob" }).read(new Uint8Array(4))).value })()',
  '(async () => { const s = new ReadableStream({ type: "bytes", start(c) { c.enqueue(bytes(1, 2, 3)); c.close() } }); const r = s.getReader({ mode: "byob" }); return [await r.read(new Uint8Array(2)), await r.read(new Uint8Array(2)), await r.read(new Uint8Array(2))] })()',
  '(async () => { const s = new ReadableStream({ type: "bytes", autoAllocateChunkSize: 4, pull(c) { c.byobRequest.view[1] = 9; c.byobRequest.respond(2) } }); return (await s.getReader().read()).value })()',
  'thrown(() => new ReadableStream({ type: "bytes" }, { size() {} })).name',
  'thrown(() => new ReadableStream({ type: "x" })).name',
  '(async () => { const out = []; const w = new WritableStream({ write(x) { out.push(x) }, close() { out.push("closed") } }); const writer = w.getWriter(); writer.write(1); writer.write(2); await writer.close(); return out })()',
  '(async () => { const w = new WritableStream({ write() { throw new Error("w") } }).getWriter(); await w.write(1).catch(() => {}); return await w.closed.catch((e) => e.message) })()',
  '(async () => { const w = new WritableStream({}, new CountQueuingStrategy({ highWaterMark: 2 })).getWriter(); const a = w.desiredSize; w.write(1); w.write(2); return [a, w.desiredSize] })()',
  '(async () => { let reason; const w = new WritableStream({ abort(r) { reason = r } }); await w.abort("bye"); return [reason, w.locked] })()',
  'collect(ReadableStream.from([1, 2]).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x * 2); c.enqueue(x) } })))',
  'collect(ReadableStream.from([1]).pipeThrough(new TransformStream({ flush(c) { c.enqueue("end") } })))',
  'collect(ReadableStream.from([1]).pipeThrough(new TransformStream({ transform() { throw new SyntaxError("t") } })))',
  '(async () => { const t = new TransformStream(); const w = t.writable.getWriter(); w.write("x"); w.close(); return await collect(t.readable) })()',
  '(async () => { const out = []; await ReadableStream.from([1, 2]).pipeTo(new WritableStream({ write(x) { out.push(x) } })); return out })()',
  '(async () => { const c = new AbortController(); c.abort("stop"); return await ReadableStream.from([1]).pipeTo(new WritableStream(), { signal: c.signal }).catch((e) => e) })()',
  '[new CountQueuingStrategy({ highWaterMark: 5 }).highWaterMark, new ByteLengthQueuingStrategy({ highWaterMark: 5 }).size(bytes(1, 2))]',
  'thrown(() => new CountQueuingStrategy()).name',
  '[ReadableStream, WritableStream, TransformStream].map((C) => Object.prototype.toString.call(new C()))',
  '[ReadableStreamDefaultController, ReadableByteStreamController, ReadableStreamBYOBRequest, WritableStreamDefaultController, TransformStreamDefaultController].map((C) => thrown(() => new C()).name)',
  'piped("hello ".repeat(100), new CompressionStream("gzip"), new DecompressionStream("gzip")).then((text) => text.length)',
  'piped("héllo", new CompressionStream("deflate"), new DecompressionStream("deflate"))',
  'piped("héllo", new CompressionStream("deflate-raw"), new DecompressionStream("deflate-raw"))',
  'piped("héllo", new CompressionStream("brotli"), new DecompressionStream("brotli"))',
  'piped("", new CompressionStream("gzip"), new DecompressionStream("gzip"))',
  'thrown(() => new CompressionStream("zip")).name',
  'thrown(() => new DecompressionStream()).name',
  'piped("not gzip", new DecompressionStream("gzip")).catch((e) => e.name)',
  'new Response(new Blob([Uint8Array.fromHex("1f8b0800000000000003cb48cdc9c907")]).stream().pipeThrough(new DecompressionStream("gzip"))).text().catch((e) => e.name)',
  'new Response(new Blob([Uint8Array.fromHex("1f8b0800000000000003cb48cdc9c9070086a6103605000000"), "junk"]).stream().pipeThrough(new DecompressionStream("gzip"))).text().catch((e) => e.name)',
  'new Response(new Blob([Uint8Array.fromHex("1f8b0800000000000003cb48cdc9c9070086a6103605000000")]).stream().pipeThrough(new DecompressionStream("gzip"))).text()',
  'collect(ReadableStream.from([1]).pipeThrough(new CompressionStream("gzip"))).catch((e) => e.name)',
  '(async () => { const d = new DecompressionStream("gzip"); d.writable.getWriter().write(Uint8Array.fromHex("1f8b0800000000000003cb48cdc9c9070086a610360500000000")).catch(() => {}); const r = d.readable.getReader(); return [(await r.read()).value, await r.read().catch((e) => e.name)] })()',
  'piped("x".repeat(1000000), new CompressionStream("gzip"), new DecompressionStream("gzip")).then((text) => text.length)'
]

const HEADERS = [
  'new Headers({ a: "\\t x" + " ".repeat(300000) + "y\\r\\n" }).get("a").length',
  '[() => new Response(null, 0), () => new Response(null, "x"), () => Response.json(1, 3), () => new Request("http://h", 0), () => new Request("http://h", true)].map((run) => thrown(run).name)',
  'new Response((async function* () { yield ""; yield "é"; yield utf8("b"); yield new Uint8Array(0) })()).text()',
  'collect(new Response((async function* () { yield "a"; yield "b" })()).body).then((list) => list.map((piece) => piece.toHex()))',
  'new Response((async function* () { yield 5 })()).text().catch((e) => e.name)',
  '(async () => { let ended = false; const r = new Response((async function* () { try { yield "a"; yield "b" } finally { ended = true } })()); const reader = r.body.getReader(); await reader.read(); await reader.cancel(); await turn(); return [ended, r.bodyUsed] })()',
  '(async () => { const r = new Response((async function* () { yield "a"; yield "b" })()); const c = r.clone(); return [await r.text(), await c.text()] })()',
  'new Response("--b\\r\\nContent-Disposition: form-data; name=\\"x\\"\\rContent-Type: text/plain\\r\\n\\r\\nhello\\r\\n--b--\\r\\n", { headers: { "content-type": "multipart/form-data; boundary=b" } }).formData().catch((e) => e.name)',
  '(() => { const h = new Headers({ a: "1", b: "2", c: "3" }); for (const [name] of h) h.delete(name); return [...h] })()',
  '(() => { const h = new Headers({ a: "1", c: "3" }); const seen = []; for (const [name] of h) { seen.push(name); if (name === "a") h.append("b", "2") } return [seen, [...h]] })()',
  'Object.prototype.toString.call(new Headers().entries())',
  '[...new Headers({ B: "2", a: " 1 " })]',
  '[...new Headers([["a", "1"], ["A", "2"]])]',
  '(() => { const h = new Headers(); h.append("set-cookie", "a=1"); h.append("Set-Cookie", "b=2"); h.append("x", "y"); return [[...h], h.getSetCookie(), h.get("set-cookie")] })()',
  '(() => { const h = new Headers({ a: "1" }); h.set("A", "2"); h.append("a", "3"); h.delete("b"); return [h.get("a"), h.has("A"), h.get("none")] })()',
  'thrown(() => new Headers({ "a b": "1" })).name',
  'thrown(() => new Headers({ a: "x\\ny" })).name',
  'thrown(() => new Headers({ a: "€" })).name',
  'thrown(() => new Headers([["a"]])).name',
  'thrown(() => new Headers("x")).name',
  'thrown(() => new Headers(null)).name',
  'thrown(() => new Headers().append("a")).name',
  '(() => { const seen = []; new Headers({ b: 1, a: 2 }).forEach((value, name) => seen.push(name + value)); return seen })()',
  '[[...new Headers({ b: 1, a: 2 }).keys()], [...new Headers({ b: 1, a: 2 }).values()], [...new Headers({ b: 1 }).entries()]]',
  'new Headers(new Headers({ a: "1" })).get("a")',
  'new Headers(new Map([["m", "1"]])).get("m")',
  'Object.prototype.toString.call(new Headers())',
  '(() => { const h = new Headers({ cookie: "a=1" }); h.append("cookie", "b=2"); return h.get("cookie") })()'
]

const BODIES = [
  '(async () => { const r = new Request("http://h/p?q", { method: "post", body: "x" }); return [r.url, r.method, r.headers.get("content-type"), await r.text(), r.bodyUsed] })()',
  '(() => { const r = new Request("http://h"); return [r.method, r.body, r.bodyUsed, r.redirect, r.mode, r.credentials, r.cache, r.duplex, r.destination, r.referrerPolicy, r.integrity, r.keepalive] })()',
  '["get", "patch", "Foo", "delete"].map((method) => new Request("http://h", { method }).method)',
  'thrown(() => new Request("/relative")).name',
  'thrown(() => new Request("http://u:p@h/")).name',
  'thrown(() => new Request("http://h", { body: "x" })).name',
  'thrown(() => new Request("http://h", { method: "CONNECT" })).name',
  'thrown(() => new Request("http://h", { method: "a b" })).name',
  'thrown(() => new Request("http://h", { redirect: "x" })).name',
  'thrown(() => new Request("http://h", { signal: {} })).name',
  'thrown(() => new Request()).name',
  'thrown(() => new Request("http://h", { method: "POST", body: new ReadableStream() })).name',
  '(async () => { const a = new Request("http://h", { method: "POST", body: "abc", headers: { x: "1" } }); const b = a.clone(); return [await a.text(), await b.text(), b.headers.get("x"), b.method] })()',
  '(async () => { const a = new Request("http://h", { method: "POST", body: "abc" }); const b = new Request(a, { headers: { y: "2" } }); return [await b.text(), a.bodyUsed, b.method, b.headers.get("y")] })()',
  '(async () => { const a = new Request("http://h", { method: "POST", body: "abc" }); const b = new Request(a, { body: "new" }); return [await b.text(), a.bodyUsed] })()',
  '(async () => { const a = new Request("http://h", { method: "POST", body: "abc" }); await a.text(); return thrown(() => a.clone()).name })()',
  '(async () => { const a = new Request("http://h", { method: "POST", body: "abc" }); await a.text(); return await a.text().catch((e) => e.name) })()',
  '(() => { const c = new AbortController(); const r = new Request("http://h", { signal: c.signal }); c.abort(); return [r.signal.aborted, r.signal === c.signal] })()',
  'Object.prototype.toString.call(new Request("http://h"))',
  'new Response("é").arrayBuffer()',
  'new Response("é").bytes()',
  'new Response(\'{"a":[1]}\').json()',
  'new Response("{").json().catch((e) => e.name)',
  'new Response(bytes(1, 2)).blob().then((b) => [b.size, b.type])',
  'new Response(new Blob(["x"], { type: "a/b" })).headers.get("content-type")',
  'new Response(new URLSearchParams({ a: "1 2" })).text()',
  '[new Response("x"), new Response(new URLSearchParams()), new Response(bytes(1)), new Response()].map((r) => r.headers.get("content-type"))',
  '(() => { const r = new Response(null, { status: 204, statusText: "Fine" }); return [r.status, r.ok, r.statusText, r.type, r.url, r.redirected, r.body] })()',
  '[199, 600, 1000].map((status) => thrown(() => new Response("", { status })).name)',
  'thrown(() => new Response("x", { status: 204 })).name',
  'thrown(() => new Response("", { statusText: "a\\nb" })).name',
  '(async () => { const r = Response.json({ a: 1 }, { status: 201, headers: { x: "y" } }); return [r.status, r.headers.get("content-type"), r.headers.get("x"), await r.text()] })()',
  'thrown(() => Response.json(undefined)).name',
  '(() => { const r = Response.redirect("http://h/x", 301); return [r.status, r.headers.get("location"), thrown(() => r.headers.set("a", "b")).name] })()',
  'thrown(() => Response.redirect("http://h", 200)).name',
  'thrown(() => Response.redirect("/x")).name',
  '(() => { const r = Response.error(); return [r.type, r.status, r.ok] })()',
  '(async () => { const r = new Response("abc"); const c = r.clone(); return [await r.text(), await c.text()] })()',
  '(async () => { const r = new Response(ReadableStream.from([utf8("a"), utf8("b")])); const c = r.clone(); return [await r.text(), await c.text()] })()',
  'new Response(ReadableStream.from(["text"])).text().catch((e) => e.name)',
  '(async () => { const r = new Response("abc"); const parts = await collect(r.body); return [parts, r.bodyUsed] })()',
  '(async () => { const r = new Response("abc"); const reader = r.body.getReader(); return [await r.text().catch((e) => e.name), r.bodyUsed] })()',
  '(async () => { const s = ReadableStream.from([utf8("x")]); s.getReader(); return thrown(() => new Response(s)).name })()',
  '(async () => { const r = new Response("x"); r.body; return [r.bodyUsed, await r.text(), r.bodyUsed] })()',
  '(async () => { const r = new Response("x"); const s = r.body; await r.text(); return [s.locked || r.bodyUsed, r.body === s] })()',
  'new Response((async function* () { yield utf8("ge"); yield utf8("n") })()).text()',
  'new Response(12).text()',
  'new Response({}).text()',
  'new Response(undefined).body',
  'new Response(null).text()',
  '[new Response().bodyUsed, new Response("").body === null]',
  '(async () => { const r = new Response(); await r.text(); return [r.bodyUsed, await r.text()] })()',
  'Object.prototype.toString.call(new Response())'
]

const FETCHING = [
  'fetch("data:text/plain;charset=utf-8,h%20i").then(async (r) => [r.status, r.headers.get("content-type"), await r.text()])',
  'fetch("data:;base64,aGk=").then((r) => r.text())',
  'fetch("nonsense:x").catch((e) => [e.name, e.message])',
  'fetch().catch((e) => e.name)',
  'fetch("/x").catch((e) => e.name)',
  'fetch("http://h", { signal: AbortSignal.abort() }).catch((e) => e.name)',
  'fetch("http://h", { signal: AbortSignal.abort("why") }).catch((e) => e)',
  'fetch("http://h", { method: "TRACE" }).catch((e) => e.name)'
]

const ADDS = 'bytes(0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11)'
const served = (type: string, more = '') => `new Response(${ADDS}, { headers: { 'content-type': '${type}' } ${more} })`

const STREAMED_WASM = [
  `WebAssembly.compileStreaming(${served('application/wasm')}).then((m) => [m instanceof WebAssembly.Module, WebAssembly.Module.exports(m)])`,
  `WebAssembly.instantiateStreaming(Promise.resolve(${served('application/wasm')}), {}).then(({ instance }) => instance.exports.add(2, 3))`,
  `WebAssembly.compileStreaming(${served('text/plain')}).catch((e) => e.name)`,
  `WebAssembly.compileStreaming(${served('application/wasm', ', status: 404')}).catch((e) => e.name)`,
  `WebAssembly.compileStreaming(new Response(${ADDS})).catch((e) => e.name)`,
  `WebAssembly.compileStreaming(${ADDS}).catch((e) => e.name)`,
  'WebAssembly.compileStreaming(new Response("no module", { headers: { "content-type": "application/wasm" } })).catch((e) => e instanceof WebAssembly.CompileError)',
  'WebAssembly.instantiateStreaming().catch((e) => e.name)'
]

test('streaming compilation of WebAssembly', async (t) => {
  await compare(t, STREAMED_WASM)
})

test('streams and compression', async (t) => {
  await compare(t, STREAMS)
})

test('headers, requests and responses', async (t) => {
  await compare(t, [...HEADERS, ...BODIES, ...FETCHING])
})
