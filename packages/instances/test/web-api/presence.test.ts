import test from 'ava'
import { share } from '../_instances.ts'

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
WebAssembly.validate WebAssembly.compileStreaming WebAssembly.instantiateStreaming WebAssembly.Tag WebAssembly.Exception
WebAssembly.JSTag onerror onunhandledrejection onrejectionhandled WebAssembly.CompileError WebAssembly.LinkError WebAssembly.RuntimeError`.split(
  /\s+/
)

test('every name of the minimum common web API is there', async (t) => {
  const { define } = await share()
  const names = [...GLOBALS, ...MEMBERS]
  const fn = define(`exports.handler = (names) => names.map((name) => {
    let value = globalThis
    for (const part of name.split('.')) value = value?.[part]
    return typeof value
  })`)
  const { json } = (await fn.result(names)) as { json: string[] }
  t.deepEqual(
    names.filter((_name, index) => json[index] === 'undefined'),
    []
  )
  t.log(`${names.length} names present, none absent`)
})

test('kinds of globals are those of Node, and none is enumerable', async (t) => {
  const { define } = await share()
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

test('classes are called and derived as in Node', async (t) => {
  const { define } = await share()
  const look = (names: string[]) =>
    names.map((name) => {
      const value = (globalThis as unknown as Record<string, { name: string }>)[name] as { name: string }
      return `${value.name} < ${(Object.getPrototypeOf(value) as { name: string }).name}`
    })
  // Of these two the standard does not say what they derive from.
  const names = GLOBALS.filter((name) => /^[A-Z]/.test(name) && !['WebAssembly', 'DOMException', 'MessagePort'].includes(name))
  const known = names.filter((name) => Object.hasOwn(globalThis, name))
  const fn = define(`exports.handler = ${look}`)
  const { json } = await fn.result(known)
  t.deepEqual(json, look(known))
})
