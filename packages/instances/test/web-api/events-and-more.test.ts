import test from 'ava'
import { compare } from './_compare.ts'

const URLS = [
  '(() => { const u = new URL("../b?x=1#h", "http://u:p@é.com:81/a/c"); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash] })()',
  '(() => { const u = new URL("http://h/"); u.pathname = "a b"; u.search = "q=é"; u.hash = "x"; u.port = "99999"; u.protocol = "https"; u.host = "e:8"; return u.href })()',
  '(() => { const u = new URL("http://h/?a=1"); u.searchParams.append("b", "2 3"); u.searchParams.delete("a"); return u.href })()',
  '(() => { const u = new URL("http://h/?a=1"); const p = u.searchParams; u.search = "?z=9"; return [...p] })()',
  'thrown(() => new URL("nope"))',
  'thrown(() => new URL("nope")).code',
  'thrown(() => new URL()).name',
  '[URL.canParse("a:b"), URL.canParse("x"), URL.canParse("x", "http://h"), URL.parse("x"), URL.parse("http://h").href]',
  'JSON.stringify({ u: new URL("http://h") })',
  'String(new URL("HTTP://EXAMPLE.com:80/%7Efoo/../x"))',
  '["http://0x7f.1/", "http://017700000001/", "http://[::1]/", "file:///C|/x", "http://ex%41mple.com"].map((text) => new URL(text).href)',
  '["http://a b/", "http://[::1", "http://1.2.3.256", "//x", "http://"].map((text) => URL.canParse(text))',
  '[...new URLSearchParams("?a=1&a=2&b=%20+%zz&=c&d")]',
  'new URLSearchParams({ a: "1 2", "é": "&=~!*" }).toString()',
  'new URLSearchParams([["a", "1"], ["b", "2"]]).size',
  'thrown(() => new URLSearchParams([["a"]])).name',
  '(() => { const p = new URLSearchParams("b=2&a=1&b=1"); p.sort(); return String(p) })()',
  '(() => { const p = new URLSearchParams("a=1&a=2"); p.set("a", 3); p.append("x", "y"); p.delete("x", "z"); return [String(p), p.has("a", "3"), p.getAll("a"), p.get("n")] })()',
  'String(new URLSearchParams("a=\\ud800"))',
  '(() => { const seen = []; new URLSearchParams("a=1&b=2").forEach((value, name) => seen.push(name, value)); return seen })()',
  'Object.prototype.toString.call(new URLSearchParams()) + Object.prototype.toString.call(new URL("a:b"))',
  '(() => { const p = new URLSearchParams("a=1&b=2&c=3&d=4"); for (const [name] of p) p.delete(name); return String(p) })()',
  '(() => { const p = new URLSearchParams("a=1"); const seen = []; for (const [name] of p) { seen.push(name); if (seen.length < 4) p.append(name + "x", "2") } return seen })()',
  '(() => { const u = new URL("http://h/?a=1&b=2"); const seen = []; for (const [name] of u.searchParams) { seen.push(name); u.search = "x=1&y=2&z=3" } return seen })()',
  '["%FF%FE", "%C3%A9%C3", "%E2%82", "a%zz%C3%A9", "%EF%BB%BFx", "%F0%9F%98%80%F0%9F"].map((text) => [...new URLSearchParams(text)][0][0])',
  '[...new URLSearchParams({ "a\\ud800": "1", "a\\udbff": "2", b: "\\udc00" })]',
  '(() => { const p = new URLSearchParams(); p.append("\\ud800", "\\ud800"); return [[...p], p.has("\\ufffd", "\\ufffd"), p.get("\\udfff")] })()',
  'String(new URLSearchParams(Object.assign(() => 1, { a: "b" })))',
  '(() => { const seen = []; new URLSearchParams("a=1").forEach(function (value) { seen.push(this.x, value) }, { x: 5 }); return seen })()',
  '["append", "delete", "get", "getAll", "has", "set", "forEach"].map((name) => thrown(() => new URLSearchParams()[name]()).code)',
  '[thrown(() => new URLSearchParams([1])).code, thrown(() => new URLSearchParams({ [Symbol.iterator]: 1 })).code, thrown(() => new URLSearchParams(Symbol())).name]',
  '[[], ["x", "y"]].map((args) => { const e = thrown(() => new URL(...args)); return [e.code, e.input, e.base] })',
  '[thrown(() => URL.parse()).code, thrown(() => URL.canParse()).code]',
  '[URL, URLSearchParams].map((C) => { const names = []; for (const name in C.prototype) names.push(name); return names.sort() })',
  '["origin", "href"].map((name) => { const { get, set } = Object.getOwnPropertyDescriptor(URL.prototype, name); return [get.name, set?.name, "prototype" in get] })',
  'thrown(() => { "use strict"; new URL("http://h").origin = "x" }).name',
  'thrown(() => URL.prototype.href).name + thrown(() => URLSearchParams.prototype.get.call({}, "a")).name',
  '(() => { const i = new URLSearchParams("a=1").keys(); return [Object.prototype.toString.call(i), i.next(), i.next(), i.toArray()] })()',
  'new URLPattern({ pathname: "/users/:id" }).exec("http://h/users/42").pathname.groups.id',
  'new URLPattern("http{s}?://*.example.com/*").test("https://a.example.com/x")',
  'new URLPattern({ pathname: "/a/:b?" }).test({ pathname: "/a" })',
  'new URLPattern("/x/:y(\\\\d+)", "http://h").test("http://h/x/12")',
  'new URLPattern("/x/:y(\\\\d+)", "http://h").test("http://h/x/ab")',
  'new URLPattern({ search: "q=:v" }).pathname',
  'thrown(() => new URLPattern("(")).name',
  'new URLPattern({ pathname: "/*" }).hasRegExpGroups'
]

const EVENTS = [
  '(() => { const e = new Event("x", { cancelable: true }); e.preventDefault(); return [e.type, e.defaultPrevented, e.cancelable, e.bubbles, e.composed, e.eventPhase, e.target, e.isTrusted, e.returnValue] })()',
  'thrown(() => new Event()).name',
  '[Event.NONE, Event.AT_TARGET, Event.BUBBLING_PHASE]',
  'new CustomEvent("x", { detail: { a: 1 } }).detail',
  'new CustomEvent("x").detail',
  '(() => { const t = new EventTarget(); const seen = []; t.addEventListener("a", (e) => seen.push(e.type, e.target === t, e.currentTarget === t)); const r = t.dispatchEvent(new Event("a")); return [seen, r] })()',
  '(() => { const t = new EventTarget(); let n = 0; t.addEventListener("a", () => n++, { once: true }); t.dispatchEvent(new Event("a")); t.dispatchEvent(new Event("a")); return n })()',
  '(() => { const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener("a", f); t.addEventListener("a", f); t.addEventListener("a", f, true); t.dispatchEvent(new Event("a")); t.removeEventListener("a", f); t.dispatchEvent(new Event("a")); return n })()',
  '(() => { const t = new EventTarget(); let n = 0; t.addEventListener("a", { handleEvent() { n++ } }); t.dispatchEvent(new Event("a")); return n })()',
  '(() => { const t = new EventTarget(); const seen = []; t.addEventListener("a", (e) => { seen.push(1); e.stopImmediatePropagation() }); t.addEventListener("a", () => seen.push(2)); t.dispatchEvent(new Event("a")); return seen })()',
  '(() => { const t = new EventTarget(); const c = new AbortController(); let n = 0; t.addEventListener("a", () => n++, { signal: c.signal }); c.abort(); t.dispatchEvent(new Event("a")); return n })()',
  '(() => { const t = new EventTarget(); t.addEventListener("a", (e) => e.preventDefault()); return [t.dispatchEvent(new Event("a")), t.dispatchEvent(new Event("a", { cancelable: true }))] })()',
  '(() => { const t = new EventTarget(); t.addEventListener("a", (e) => e.preventDefault(), { passive: true }); return t.dispatchEvent(new Event("a", { cancelable: true })) })()',
  'thrown(() => new EventTarget().dispatchEvent({ type: "x" })).name',
  '(() => { const e = new Event("a", { cancelable: true }); e.returnValue = true; const before = e.defaultPrevented; e.returnValue = false; return [before, e.defaultPrevented] })()',
  '(() => { const e = new Event("a"); e.initEvent("b", true, true); e.preventDefault(); return [e.type, e.bubbles, e.cancelable, e.defaultPrevented, thrown(() => e.initEvent()).name] })()',
  '(() => { const c = new AbortController(); let trusted; c.signal.onabort = (e) => { trusted = [e.isTrusted, e.target === c.signal] }; c.abort(); return trusted })()',
  '[Event, EventTarget, CustomEvent, AbortController].map((C) => Object.keys(C.prototype).filter((name) => /[a-z]/.test(name)).sort())',
  '(() => { const read = []; const options = { get capture() { read.push("capture"); return false }, get passive() { read.push("passive"); return true } }; new EventTarget().addEventListener("a", null, options); return read.sort() })()',
  '[null, () => 1].map((listener) => thrown(() => new EventTarget().addEventListener("a", listener, { signal: null })).name)',
  '(() => { const a = new AbortController(); const seen = []; const b = AbortSignal.any([a.signal]); const f = () => seen.push("f"); b.addEventListener("abort", f); b.removeEventListener("abort", f); b.addEventListener("abort", () => seen.push("g"), { once: true }); AbortSignal.any([b]).onabort = () => seen.push("c"); a.abort(1); return [seen, b.aborted, b.reason] })()',
  '(() => { const t = new EventTarget(); const e = new Event("a"); let name; t.addEventListener("a", () => { name = thrown(() => t.dispatchEvent(e)) instanceof Error }); t.dispatchEvent(e); return name })()',
  '(() => { const t = new EventTarget(); const seen = []; const b = () => seen.push("b"); t.addEventListener("x", () => t.removeEventListener("x", b)); t.addEventListener("x", b); t.dispatchEvent(new Event("x")); return seen })()',
  '[Event, EventTarget, CustomEvent].map((C) => Object.prototype.toString.call(C === EventTarget ? new C() : new C("x")))',
  '(() => { const e = new ErrorEvent("error", { message: "m", error: 5, lineno: 3 }); return [e.message, e.error, e.lineno, e.filename, e instanceof Event] })()',
  '(() => { const e = new MessageEvent("message", { data: [1], origin: "o" }); return [e.data, e.origin, e.lastEventId, e.source, e.ports] })()',
  '(() => { const e = new CloseEvent("close", { code: 1000, wasClean: true, reason: "r" }); return [e.code, e.wasClean, e.reason] })()',
  '(() => { const c = new AbortController(); const seen = []; c.signal.addEventListener("abort", () => seen.push("l")); c.signal.onabort = () => seen.push("o"); c.abort(); c.abort(); return [seen, c.signal.aborted, c.signal.reason] })()',
  '(() => { const c = new AbortController(); c.abort("r"); return [c.signal.reason, thrown(() => c.signal.throwIfAborted())] })()',
  'AbortSignal.abort().reason.code',
  'thrown(() => new AbortSignal()).name',
  'new Promise((resolve) => AbortSignal.timeout(5).addEventListener("abort", (e) => resolve(e.target.reason)))',
  'thrown(() => AbortSignal.timeout(-1)).name',
  '(() => { const a = new AbortController(); const b = new AbortController(); const s = AbortSignal.any([a.signal, b.signal]); b.abort("b"); a.abort("a"); return [s.aborted, s.reason] })()',
  '(() => { const s = AbortSignal.any([AbortSignal.abort("x"), AbortSignal.abort("y")]); return s.reason })()',
  'AbortSignal.any([]).aborted',
  '(() => { const a = new AbortController(); const s = AbortSignal.any([AbortSignal.any([a.signal])]); const seen = []; s.onabort = () => seen.push(1); a.abort(); return seen })()',
  '(() => { const e = new DOMException("m", "NotFoundError"); return [e.message, e.name, e.code, e instanceof Error, Object.prototype.toString.call(e), String(e)] })()',
  'Object.keys(DOMException).sort().map((key) => [key, DOMException[key]])',
  '[new DOMException().name, new DOMException("m").code, DOMException.ABORT_ERR, new DOMException("m", "Own").code]',
  'new DOMException("m", { name: "AbortError", cause: 5 }).cause',
  '(async () => { const { port1, port2 } = new MessageChannel(); const got = new Promise((resolve) => { port2.onmessage = (e) => resolve(e.data) }); port1.postMessage({ a: new Date(1) }); const value = await got; port1.close(); return value })()',
  '(async () => { const { port1 } = new MessageChannel(); const error = thrown(() => port1.postMessage(() => 1)); port1.close(); return error })()',
  'thrown(() => new MessagePort()).name'
]

const MORE = [
  'new Promise((resolve) => queueMicrotask(() => resolve("micro")))',
  'thrown(() => queueMicrotask(1)).name',
  'new Promise((resolve) => setTimeout((a, b) => resolve([a, b]), 1, "x", 2))',
  '(async () => { let n = 0; await new Promise((resolve) => { const i = setInterval(() => { if (++n === 3) { clearInterval(i); resolve() } }, 1) }); const seen = n; await turn(); return [seen, seen === n] })()',
  '(async () => { let ran = false; clearTimeout(setTimeout(() => { ran = true }, 1)); clearTimeout(undefined); clearTimeout(999999); await turn(); return ran })()',
  '(async () => { const order = []; setTimeout(() => order.push("t"), 0); Promise.resolve().then(() => order.push("p")); order.push("s"); await turn(); return order })()',
  'thrown(() => setTimeout("code", 1)).name',
  '[typeof globalThis, typeof global]',
  'performance.now() >= 0 && performance.timeOrigin > 1e12',
  '(() => { performance.mark("a"); const m = performance.measure("m", "a"); const r = [m.name, m.entryType, m.duration >= 0, performance.getEntriesByName("a").length]; performance.clearMarks(); performance.clearMeasures(); return [r, performance.getEntriesByType("mark").length] })()',
  'performance.mark("d", { detail: { x: 1 }, startTime: 5 }).toJSON()',
  'thrown(() => performance.measure("m", "not set")).name',
  'performance.measure("q", { start: 1, duration: 4 }).duration',
  '(async () => { performance.mark("early"); const got = await new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries().map((e) => e.name))).observe({ type: "mark", buffered: true })); performance.clearMarks(); return got })()',
  '(async () => { performance.mark("early"); const got = []; const o = new PerformanceObserver((list) => got.push(...list.getEntriesByType("mark"))); o.observe({ type: "mark" }); await turn(); o.disconnect(); performance.clearMarks(); return got.length })()',
  '(async () => { const o = new PerformanceObserver(function () { o.seen = this === o }); o.observe({ entryTypes: ["mark"] }); performance.mark("x"); await turn(); o.disconnect(); performance.clearMarks(); return o.seen })()',
  '(() => { const o = new PerformanceObserver(() => {}); const at = (options) => { try { return String(o.observe(options)) } catch (e) { return [e.name, e.code] } }; const seen = [at({ type: "mark" }), at({ entryTypes: ["mark"] }), at({ type: "measure" })]; o.disconnect(); return [seen, at({ entryTypes: ["mark"] }), at({ type: "mark" }), o.disconnect(), String(o)] })()',
  '[5, {}, { entryTypes: "mark" }, { type: "mark", entryTypes: ["mark"] }].map((options) => thrown(() => new PerformanceObserver(() => {}).observe(options)).code)',
  '[PerformanceObserver.supportedEntryTypes, PerformanceObserver.supportedEntryTypes === PerformanceObserver.supportedEntryTypes]',
  '[[], ["m", 5], ["m", { startTime: -1 }], ["m", { startTime: "5" }]].map((args) => thrown(() => performance.mark(...args)).code)',
  '(() => { const m = performance.mark("n", null); return [m.detail, Object.hasOwn(PerformanceMark.prototype, "detail"), Object.hasOwn(PerformanceEntry.prototype, "detail")] })()',
  '[[], ["m", { start: 1 }, 12], ["m", { start: 1, end: 2, duration: 1 }], ["m", { start: -1 }]].map((args) => thrown(() => performance.measure(...args)).code)',
  '(() => { performance.mark("to", { startTime: 7 }); const d = [["m", {}, "to"], ["m", null, "to"], ["m", { other: 1 }, "to"], ["m", { start: 2, end: "to" }]].map((args) => performance.measure(...args)).map((e) => [e.startTime, e.duration]); performance.clearMarks(); performance.clearMeasures(); return d })()',
  '[thrown(() => performance.getEntriesByName()).code, thrown(() => performance.getEntriesByType()).code]',
  'Object.prototype.toString.call(performance)',
  'typeof navigator.userAgent',
  'Object.prototype.toString.call(console)',
  '[console.log(), console.assert(true), console.count("n"), console.countReset("n")]',
  '["log", "info", "warn", "error", "debug", "table", "dir", "trace", "group", "groupEnd", "time", "timeEnd", "assert", "count"].map((name) => typeof console[name])',
  'thrown(() => crypto.getRandomValues(new Float32Array(1))).name',
  'thrown(() => crypto.getRandomValues(new Uint8Array(65537))).name',
  '[crypto.getRandomValues(new Uint32Array(3)).length, /^[0-9a-f-]{36}$/.test(crypto.randomUUID())]',
  'thrown(() => new Crypto()).name + thrown(() => new SubtleCrypto()).name + thrown(() => new CryptoKey()).name',
  '[Object.prototype.toString.call(crypto), Object.prototype.toString.call(crypto.subtle)]',
  'thrown(() => (0, crypto.randomUUID)()).name'
]

const SOCKETS = [
  '[[], ["nonsense"], ["ftp://x"], ["ws://x/#a"], ["ws://x", ["a", "a"]], ["ws://x", "a b"]].map((args) => thrown(() => new WebSocket(...args)))',
  '(() => { const w = new WebSocket("http://127.0.0.1:1/x?y"); return [w.url, w.readyState, w.protocol, w.extensions, w.bufferedAmount, w.binaryType, w.onopen, WebSocket.OPEN, w.CLOSED, Object.prototype.toString.call(w)] })()',
  '(() => { const w = new WebSocket("ws://127.0.0.1:1"); return [thrown(() => w.send("x")), thrown(() => w.close(1)), (w.binaryType = "arraybuffer", w.binaryType)] })()',
  'new Promise((resolve) => { const log = []; const w = new WebSocket("ws://127.0.0.1:1"); w.onerror = (e) => log.push([e.constructor.name, e.error instanceof TypeError, w.readyState]); w.addEventListener("close", (e) => resolve([log, e.constructor.name, e.code, e.reason, e.wasClean, w.readyState, w.send("x"), w.close()])) })',
  'new Promise((resolve) => { const w = new WebSocket("wss://127.0.0.1:1"); w.onerror = () => {}; w.onclose = (e) => resolve(e.code); w.close() })'
]

test('web sockets, of which none ever opens', async (t) => {
  await compare(t, SOCKETS)
})

test('URLs and patterns', async (t) => {
  await compare(t, URLS)
})

test('events, aborts and messages', async (t) => {
  await compare(t, EVENTS)
})

test('timers, performance and the rest', async (t) => {
  await compare(t, MORE)
})
