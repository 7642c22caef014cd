import { asyncContext, inContext } from './async-context.guest.ts'
import { connectBridge } from './bridge.guest.ts'
import { builtin, installRequire, loadAhead, offerLibrary } from './builtins.guest.ts'
import { chunk } from './chunks.guest.ts'
import { configureLogs, makeConsole } from './console.guest.ts'
import { installGlobalEvents } from './global-events.guest.ts'
import { installGuards } from './guards.guest.ts'
import { caughtByScript, configureHandler, enter, onPrepare } from './handler.guest.ts'
import { beginTime, define, defineLazy, jsonParse, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import type { Identity } from './lambda-context.guest.ts'
import { configurePayload } from './payload-limit.guest.ts'
import { configureProcess } from './process.guest.ts'
import type { StreamLimits } from './response-stream.guest.ts'
import './pause.guest.ts'
import { rehearse } from './rehearsal.guest.ts'
import { assertCallback, ranAlone } from './ticks.guest.ts'
import { installTimers } from './timers.guest.ts'
import { installStreamingCompilation } from './wasm-streaming.guest.ts'

interface Config extends Identity {
  environment: Record<string, string>
  logLines: number
  logBytes: number
  logLineBytes: number
  payloadBytes: number
  stream: StreamLimits
  /** Whether the code asks for async_hooks. */
  asyncContext: boolean
}

/**
 * Sets up the globals of an isolate that is for no function yet; returns the one function that the executor calls afterwards.
 * @param web whether the code will use fetch's classes: then they are evaluated now, while nobody waits
 */
export function prepare(memoryMb: number, web: boolean, tellLater: never, tellAtOnce: never): typeof enter {
  installGuards(memoryMb)
  connectBridge(tellLater, tellAtOnce)
  installTimers()
  installRequire()
  define(globalThis, 'global', globalThis)
  define(globalThis, 'self', globalThis)
  define(globalThis, 'console', makeConsole())
  define(globalThis, '__peerlessCatch', caughtByScript)
  define(globalThis, 'queueMicrotask', (run: () => void) => {
    assertCallback(run)
    const bound = inContext(run)
    reflectApply(promiseThen, promiseResolve(undefined), [() => void ranAlone(bound)])
  })
  installGlobalEvents()
  installStreamingCompilation()
  installLazily()
  onPrepare({ configure, runtime: prepareRuntime })
  rehearse(web)
  return enter
}

/** Makes it the instance of a function. */
function configure(configJson: string, library: unknown): void {
  const config = jsonParse(configJson) as Config
  beginTime()
  configureHandler(config, config.stream)
  configurePayload(config.payloadBytes)
  configureLogs(config.logLines, config.logBytes, config.logLineBytes)
  offerLibrary(library as never)
  if (config.asyncContext) asyncContext.follow()
  define(globalThis, 'process', configureProcess(config.environment))
}

/** Loads what all modules need, and the most usual ones do, or starts an interpreter: nobody waits now. Nothing of it may depend on what the function is. */
function prepareRuntime(name: string, library: unknown): void {
  if (name === 'node-async') asyncContext.follow()
  offerLibrary(library as never)
  try {
    if (name === 'python') (chunk('python') as typeof import('./chunks/python.guest.ts')).startAhead()
    else loadAhead('stream')
  } catch {
    // Whoever uses it hears of it.
  }
}

/** Globals and where they come from; each is made when it is first read. */
function installLazily(): void {
  const own = (names: readonly string[], load: () => unknown) => {
    for (const name of names) defineLazy(name, () => (load() as Record<string, unknown>)[name])
  }
  own(['awslambda'], () => require('./awslambda.guest.ts'))
  own(['TextEncoder', 'TextDecoder', 'atob', 'btoa'], () => require('./encoding.guest.ts'))
  own(['URL', 'URLSearchParams'], () => require('./url.guest.ts'))
  own(['Event', 'CustomEvent', 'EventTarget', 'AbortController', 'AbortSignal', 'reportError'], () =>
    require('./event-target.guest.ts')
  )
  own(['DOMException'], () => require('./dom-exception.guest.ts'))
  own(['Performance', 'PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure', 'performance'], () =>
    require('./performance.guest.ts')
  )
  own(['PerformanceObserver', 'PerformanceObserverEntryList'], () => require('./performance-observer.guest.ts'))
  own(['Navigator', 'navigator'], () => require('./navigator.guest.ts'))
  own(['structuredClone'], () => require('./structured-clone.guest.ts'))
  for (const [name, names] of Object.entries(CHUNKS)) own(names, () => chunk(name))
  const crypto = () => require('./web-crypto.guest.ts') as typeof import('./web-crypto.guest.ts')
  defineLazy('Crypto', () => crypto().Crypto)
  defineLazy('crypto', () => crypto().webcrypto)
  defineLazy('Buffer', () => (builtin('buffer') as { Buffer: unknown }).Buffer)
}

const CHUNKS: Readonly<Record<string, readonly string[]>> = {
  blob: ['Blob', 'File'],
  compression: ['CompressionStream', 'DecompressionStream'],
  fetch: ['fetch'],
  'fetch-types': ['Headers', 'Request', 'Response'],
  'form-data': ['FormData'],
  'message-channel': ['MessageChannel', 'MessagePort'],
  'more-events': ['CloseEvent', 'ErrorEvent', 'MessageEvent', 'PromiseRejectionEvent'],
  'text-streams': ['TextDecoderStream', 'TextEncoderStream'],
  'url-pattern': ['URLPattern'],
  'web-socket': ['WebSocket'],
  subtle: ['CryptoKey', 'SubtleCrypto'],
  streams: [
    'ByteLengthQueuingStrategy',
    'CountQueuingStrategy',
    'ReadableByteStreamController',
    'ReadableStream',
    'ReadableStreamBYOBReader',
    'ReadableStreamBYOBRequest',
    'ReadableStreamDefaultController',
    'ReadableStreamDefaultReader',
    'TransformStream',
    'TransformStreamDefaultController',
    'WritableStream',
    'WritableStreamDefaultController',
    'WritableStreamDefaultWriter'
  ]
}
