import { internalAsyncHooks, makeAsyncHooks } from './async-hooks.guest.ts'
import { core } from './core.guest.ts'
import { makeCrypto } from './crypto.guest.ts'
import { makeHttp, makeHttps } from './http.guest.ts'
import { makeInternalUrl } from './internal-url.guest.ts'
import { makeModule } from './module.guest.ts'
import { makeNet } from './net.guest.ts'
import { makeWatchers } from './silent-watchers.guest.ts'
import { makeTimersPromises } from './timers-promises.guest.ts'
import { takeTurns } from './zlib-turns.guest.ts'

type Load = (id: string) => unknown

const nothing = () => undefined
const OPTIONS: Record<string, unknown> = {
  '--async-context-frame': true,
  '--stack-trace-limit': 10,
  '--max-http-header-size': 16_384
}

/**
 * Modules of the library that are ours instead of Node's, by id: those that would lean on the process, on V8's C++ side, or on globals
 * that functions already have. Each is made when it is first required.
 */
export const OVERRIDES: Record<string, (load: Load) => unknown> = {
  async_hooks: makeAsyncHooks,
  'internal/async_hooks': () => internalAsyncHooks,
  'internal/url': makeInternalUrl,
  'internal/options': () => ({
    getOptionValue: (name: string) => OPTIONS[name] ?? false,
    getEmbedderOptions: () => ({}),
    getAllowUnauthorized: () => false
  }),
  'internal/bootstrap/realm': () => ({ BuiltinModule: { exists: () => true, canBeRequiredByUsers: () => false } }),
  'internal/v8/startup_snapshot': () => ({
    namespace: { isBuildingSnapshot: () => false, addDeserializeCallback: nothing, addSerializeCallback: nothing },
    isBuildingSnapshot: () => false,
    addAfterUserSerializeCallback: nothing
  }),
  'internal/process/execution': () => ({ tryGetCwd: () => '/var/task' }),
  'internal/process/task_queues': () => ({ queueMicrotask, nextTick: process.nextTick, runNextTicks: nothing }),
  'internal/source_map/source_map_cache': () => ({
    getSourceMapsSupport: () => ({ enabled: false }),
    findSourceMap: nothing,
    getSourceLine: nothing
  }),
  'internal/errors/error_source': () => ({ getErrorSourceExpression: nothing }),
  'internal/trace_events': () => ({
    categoryEnabledChecker: () => () => false,
    trace: nothing,
    traceBegin: nothing,
    traceEnd: nothing,
    isTraceHTTPEnabled: () => false,
    nodeTraceEventCategory: (name: string) => name,
    kAsyncBegin: 0,
    kAsyncEnd: 0,
    kTraceInstant: 0
  }),
  // Nobody sends signals to a function.
  'internal/util/trace_sigint': () => ({ setTraceSigInt: nothing }),
  'internal/tty': () => ({ getColorDepth: () => 1 }),
  'internal/abort_controller': (load) => ({
    AbortController,
    AbortSignal,
    // Only whether it happened; the resource's end is not waited for.
    aborted: (signal: AbortSignal, resource: unknown) => {
      const { validateAbortSignal, validateObject } = load('internal/validators') as Record<
        string,
        (...values: unknown[]) => void
      >
      validateAbortSignal?.(signal, 'signal')
      validateObject?.(resource, 'resource')
      return new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
    transferableAbortController: () => new AbortController(),
    transferableAbortSignal: (signal: AbortSignal) => signal
  }),
  'internal/event_target': () => ({
    kEvents: listenersByType(),
    Event,
    EventTarget,
    CustomEvent,
    NodeEventTarget: EventTarget,
    defineEventHandler: nothing,
    initEventTarget: nothing,
    initNodeEventTarget: nothing,
    isEventTarget: (value: unknown) => value instanceof EventTarget,
    kTrustEvent: Symbol('kTrustEvent'),
    kWeakHandler: 'kWeakHandler',
    kResistStopPropagation: 'kResistStopPropagation'
  }),
  // Archives are not among what functions have.
  'internal/zip': () => new Proxy({}, { get: () => class Absent {} }),
  'internal/blob': (load) => ({
    Blob,
    isBlob: (value: unknown) => value instanceof Blob,
    createBlobFromFilePath: (path: string, options: BlobPropertyBag) =>
      new Blob([(load('fs') as typeof import('node:fs')).readFileSync(path) as Uint8Array<ArrayBuffer>], options)
  }),
  'internal/encoding': () => ({ TextEncoder, TextDecoder }),
  'internal/file': () => ({ File }),
  'internal/webidl': () => ({ converters: {} }),
  'internal/crypto/keys': (load) => {
    const { isKeyObject, isCryptoKey } = load('crypto') as Record<string, unknown>
    return { isKeyObject, isCryptoKey }
  },
  'internal/modules/helpers': () => ({}),
  'internal/process/permission': () => ({ isEnabled: () => false, has: () => true, isAuditMode: () => false }),
  'internal/worker/js_transferable': () => ({
    markTransferMode: nothing,
    kClone: Symbol('kClone'),
    kDeserialize: Symbol('kDeserialize'),
    kTransfer: Symbol('kTransfer'),
    kTransferList: Symbol('kTransferList'),
    structuredClone
  }),
  'internal/webstreams/readablestream': () => webStreams(),
  'internal/webstreams/writablestream': () => webStreams(),
  'internal/webstreams/transformstream': () => webStreams(),
  'internal/webstreams/queuingstrategies': () => webStreams(),
  'internal/webstreams/util': () => ({ kResolvedPromise: Promise.resolve() }),
  'stream/web': () => {
    const names = ['Readable', 'Writable', 'Transform', 'Compression', 'Decompression', 'TextEncoder', 'TextDecoder'].map(
      (name) => `${name}Stream`
    )
    const more = [
      'ReadableStreamDefaultReader',
      'ReadableStreamBYOBReader',
      'ReadableStreamBYOBRequest',
      'ReadableByteStreamController'
    ]
    const rest = [
      'ReadableStreamDefaultController',
      'TransformStreamDefaultController',
      'WritableStreamDefaultController',
      'WritableStreamDefaultWriter'
    ]
    const strategies = ['ByteLengthQueuingStrategy', 'CountQueuingStrategy']
    const globals = globalThis as unknown as Record<string, unknown>
    return Object.fromEntries([...names, ...more, ...rest, ...strategies].map((name) => [name, globals[name]]))
  },
  // Files change only by the function's own hand.
  'internal/fs/watchers': (load) => ({ watch: unwatched, ...makeWatchers(load) }),
  'internal/fs/recursive_watch': (load) => ({ watch: unwatched, ...makeWatchers(load) }),
  'internal/repl/history': () => ({ ReplHistory: class {} }),
  'internal/perf/observe': () => ({ hasObserver: () => false, startPerf: nothing, stopPerf: nothing }),
  'internal/dtrace': () => ({}),
  net: makeNet,
  crypto: (load) => makeCrypto(load, (load('internal/bindings') as { crypto: Record<string, unknown> }).crypto),
  http: makeHttp,
  https: makeHttps,
  tty: () => ({ isatty: () => false, ReadStream: class {}, WriteStream: class {} }),
  'internal/timers': () => ({
    // Only for a cached date, which must not outlive the time that an instance sleeps.
    setUnrefTimeout: (run: () => void) => queueMicrotask(run),
    kTimeout: Symbol('timeout'),
    TIMEOUT_MAX: 2 ** 31 - 1,
    getTimerDuration: (ms: number) => ms
  }),
  module: makeModule,
  timers: () => core.builtin('timers'),
  'timers/promises': makeTimersPromises,
  console: () => console,
  process: () => process
}

/** By this member of a target Node's `events` finds who listens, as a chain. */
function listenersByType(): symbol {
  const kEvents = Symbol('kEvents')
  const listenersOf = core.builtin('peerless:listeners') as (target: unknown, type: string) => unknown[]
  const rootOf = (target: unknown) => (type: string) => {
    const found = listenersOf(target, type)
    return { size: found.length, next: found.reduceRight((next: object, listener) => ({ listener, next }), {}) }
  }
  Object.defineProperty(EventTarget.prototype, kEvents, {
    get(this: unknown) {
      return { get: rootOf(this) }
    }
  })
  return kEvents
}

function unwatched(): never {
  throw Object.assign(new Error('files are not watched inside functions'), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' })
}

/** The global classes, with the questions that Node's adapters ask of them, and the two ways in that they take past the public ones. */
function webStreams(): Record<string, unknown> {
  const is = (make: unknown) => (value: unknown) => typeof make === 'function' && value instanceof make
  const chunk = Symbol('chunk')
  const close = Symbol('close')
  const error = Symbol('error')
  const { ReadableStream, WritableStream, TransformStream, ByteLengthQueuingStrategy, CountQueuingStrategy } = globalThis
  return {
    ReadableStream,
    WritableStream,
    TransformStream,
    isReadableStream: is(ReadableStream),
    isWritableStream: is(WritableStream),
    isTransformStream: is(TransformStream),
    ByteLengthQueuingStrategy,
    CountQueuingStrategy,
    kChunk: chunk,
    kClose: close,
    kError: error,
    // Also of a stream that somebody reads: as the reader does it.
    readableStreamCancel: (stream: ReadableStream & { _reader?: ReadableStreamDefaultReader }, reason: unknown) =>
      (stream.locked ? stream._reader?.cancel(reason) : stream.cancel(reason))?.catch(nothing),
    readableStreamDefaultReaderRead: (
      reader: ReadableStreamDefaultReader,
      request: Record<symbol, (value?: unknown) => void>
    ) => {
      reader.read().then(
        ({ done, value }) => (done ? request[close]?.() : request[chunk]?.(value)),
        (thrown: unknown) => request[error]?.(thrown)
      )
    },
    writableStreamDefaultWriterWriteWithRequest: (writer: WritableStreamDefaultWriter, value: unknown, request: WriteRequest) => {
      request.pending++
      writer.write(value).then(
        () => request.resolve(),
        (thrown: unknown) => request.reject(thrown)
      )
    }
  }
}

/** What Node's adapter hands along with each write, and hears of its end by. */
interface WriteRequest {
  pending: number
  resolve(): void
  reject(error: unknown): void
}

/** What Node's own start does with a module before anyone else sees it, or what it has only with ICU. */
export const ADDITIONS: Record<string, (exports: Record<string, unknown>) => void> = {
  'internal/errors': ({ codes }) => {
    const { prototype } = (codes as Record<string, { prototype: object }>).ERR_INVALID_ARG_TYPE as { prototype: object }
    for (const mark of Object.getOwnPropertySymbols(prototype)) core.nodeErrors(mark)
  },
  'internal/process/warning': () => process.on('warning', core.logWarning),
  // Reading it switches it on.
  'internal/async_context_frame': (frame) => frame.enabled,
  zlib: takeTurns,
  buffer: (exports) => {
    exports.transcode = (source: Uint8Array, from: BufferEncoding, to: BufferEncoding) => {
      const text = Buffer.from(source).toString(from)
      const narrow = to === 'latin1' || to === 'binary' || to === 'ascii'
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all that fits
      return Buffer.from(narrow ? text.replace(to === 'ascii' ? /[^\u0000-\u007f]/gu : /[^\u0000-\u00ff]/gu, '?') : text, to)
    }
  }
}
