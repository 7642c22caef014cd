import test from 'ava'
import { start } from '../_instances.ts'

/** ECMA-429, Minimum common web API of December 2025: what must be there, as globals. */
const GLOBALS =
  `AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy Crypto CryptoKey
CustomEvent DecompressionStream DOMException ErrorEvent Event EventTarget File FormData Headers MessageChannel MessageEvent MessagePort
Performance PromiseRejectionEvent ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest
ReadableStreamDefaultController ReadableStreamDefaultReader Request Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder
TextEncoderStream TransformStream TransformStreamDefaultController URL URLPattern URLSearchParams WebAssembly WritableStream
WritableStreamDefaultController WritableStreamDefaultWriter atob btoa clearInterval clearTimeout console crypto fetch globalThis navigator
performance queueMicrotask reportError self setInterval setTimeout structuredClone`.split(/\s+/)

const MEMBERS = `navigator.userAgent performance.now performance.timeOrigin crypto.subtle crypto.randomUUID crypto.getRandomValues
AbortSignal.timeout AbortSignal.any AbortSignal.abort URL.canParse URL.parse Response.json Response.redirect Response.error
ReadableStream.from console.assert console.clear console.count console.countReset console.debug console.dir console.dirxml console.error
console.group console.groupCollapsed console.groupEnd console.info console.log console.table console.time console.timeEnd
console.timeLog console.trace console.warn Blob.prototype.stream Blob.prototype.bytes Request.prototype.formData
ReadableStream.prototype.tee ReadableStream.prototype.pipeThrough ReadableStream.prototype.values WebAssembly.Module
WebAssembly.Instance WebAssembly.Memory WebAssembly.Table WebAssembly.Global WebAssembly.compile WebAssembly.instantiate
WebAssembly.validate WebAssembly.CompileError WebAssembly.LinkError WebAssembly.RuntimeError`.split(/\s+/)

/** Not there, and why; the list may only become shorter. */
const ABSENT: Record<string, string> = {
  onerror: 'nothing raises an error event here: what is thrown by a timer is logged',
  onunhandledrejection: 'isolated-vm tells the executor of unhandled rejections, not the code inside',
  onrejectionhandled: 'the same',
  'WebAssembly.compileStreaming': 'compile takes bytes; there is nothing to stream from but fetch',
  'WebAssembly.instantiateStreaming': 'the same'
}

test('every name of the minimum common web API is there, but for those that are listed', async (t) => {
  const { define } = await start(t)
  const names = [...GLOBALS, ...MEMBERS, ...Object.keys(ABSENT)]
  const fn = define(`exports.handler = (names) => names.map((name) => {
    let value = globalThis
    for (const part of name.split('.')) value = value?.[part]
    return typeof value
  })`)
  const { json } = (await fn.result(names)) as { json: string[] }
  const missing = names.filter((name, index) => json[index] === 'undefined' && !Object.hasOwn(ABSENT, name))
  t.deepEqual(missing, [])
  const untrue = Object.keys(ABSENT).filter((name) => json[names.indexOf(name)] !== 'undefined')
  t.deepEqual(untrue, [], 'what is there by now must leave the list')
  t.log(
    `${names.length - Object.keys(ABSENT).length} names present, ${Object.keys(ABSENT).length} absent: ${Object.keys(ABSENT).join(', ')}`
  )
})

test('kinds of globals are those of Node, and none is enumerable', async (t) => {
  const { define } = await start(t)
  const fn = define(`exports.handler = (names) => [names.map((name) => typeof globalThis[name]),
    names.filter((name) => Object.prototype.propertyIsEnumerable.call(globalThis, name))]`)
  // Node has this one as a constructor too, but behind no name.
  const names = GLOBALS.filter((name) => Object.hasOwn(globalThis, name) && name !== 'globalThis')
  const { json } = (await fn.result(names)) as { json: [string[], string[]] }
  t.deepEqual(
    json[0],
    names.map((name) => typeof (globalThis as Record<string, unknown>)[name])
  )
  t.deepEqual(json[1], [])
})
