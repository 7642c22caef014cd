import { bindingBuffer } from './binding-buffer.guest.ts'
import { makeBindingFs } from './binding-fs.guest.ts'
import { makeBindingFsCopy } from './binding-fs-copy.guest.ts'
import { makeBindingFsDir } from './binding-fs-dir.guest.ts'
import { bindingOs } from './binding-os.guest.ts'
import { bindingStringDecoder } from './binding-string-decoder.guest.ts'
import { bindingTypes } from './binding-types.guest.ts'
import { makeBindingUtil, reportUncaught } from './binding-util.guest.ts'
import { makeBindingZlib } from './binding-zlib.guest.ts'
import { core } from './core.guest.ts'
import { makeBindingHttpParser } from './http.guest.ts'
import { makeFormatUrl } from './internal-url.guest.ts'

type Load = (id: string) => unknown

/** Numbers and names that the pinned Node has, read from it when the library was put together. */
export interface Constants {
  binding: Record<string, Record<string, unknown>>
  /** libuv's errors: number, name, text. */
  uv: [number, string, string][]
  /** Of HTTP. */
  methods: string[]
}

const nothing = () => undefined

/** `internalBinding(name)` of the library: the C++ side of Node, in JavaScript. */
export function makeBindings(load: Load, constants: Constants): (name: string) => unknown {
  const errorMap = new Map(constants.uv.map(([number, name, text]) => [number, [name, text]]))
  const makers: Record<string, () => unknown> = {
    util: () => makeBindingUtil(load),
    types: () => bindingTypes,
    buffer: () => bindingBuffer,
    string_decoder: () => bindingStringDecoder,
    constants: () => constants.binding,
    config: () => ({ hasIntl: false, hasInspector: false, hasOpenSSL: true, fipsMode: false, hasCrypto: true }),
    errors: () => ({
      triggerUncaughtException: reportUncaught,
      exitCodes: { kNoFailure: 0, kGenericUserError: 1 },
      getErrorSourcePositions: () => ({}),
      setPrepareStackTraceCallback: nothing,
      noSideEffectsToString: String
    }),
    uv: () => ({
      ...Object.fromEntries(constants.uv.map(([number, name]) => [`UV_${name}`, number])),
      errname: (number: number) => errorMap.get(number)?.[0] ?? `Unknown system error ${number}`,
      getErrorMap: () => errorMap,
      getErrorMessage: (number: number) => errorMap.get(number)?.[1] ?? `Unknown system error ${number}`
    }),
    messaging: () => ({ DOMException, structuredClone }),
    url: () => ({ format: makeFormatUrl(load), domainToASCII: (text: string) => toAscii(text) }),
    url_pattern: () => ({ URLPattern: (globalThis as { URLPattern?: unknown }).URLPattern }),
    encoding_binding: () => ({ toASCII: toAscii, toUnicode: toAscii }),
    async_context_frame: () => ({
      getContinuationPreservedEmbedderData: core.context.get,
      setContinuationPreservedEmbedderData: core.context.set
    }),
    diagnostics_channel: () => ({
      subscribers: [],
      notifyChannelActive: nothing,
      notifyChannelInactive: nothing,
      linkNativeChannel: nothing
    }),
    os: () => bindingOs,
    http_parser: () => makeBindingHttpParser(constants.methods),
    zlib: makeBindingZlib,
    fs: () => ({
      ...makeBindingFs(new Map(constants.uv.map(([number, name, text]) => [name, [number, text]]))),
      ...makeBindingFsCopy(load)
    }),
    fs_dir: () => makeBindingFsDir(load),
    // Of the adapters between streams and sockets, of which there are none.
    stream_wrap: () => ({ WriteWrap: class {}, ShutdownWrap: class {}, streamBaseState: [] }),
    fs_event_wrap: () => ({ FSEvent: class {} }),
    credentials: () => ({ getTempDir: () => '/tmp', safeGetenv: (name: string) => process.env[name] }),
    symbols: () => new Proxy({}, { get: (_target, name) => Symbol.for(`nodejs.${String(name)}`) }),
    async_wrap: () => ({ Providers: {}, setupHooks: nothing, async_hook_fields: [], async_id_fields: [] }),
    performance: () => ({ constants: {}, now: () => performance.now() }),
    timers: () => ({ getLibuvNow: () => Math.floor(performance.now()) })
  }
  const made = new Map<string, unknown>()
  return (name) => {
    if (!made.has(name)) {
      const make = Object.hasOwn(makers, name) ? makers[name] : undefined
      if (make === undefined) throw new Error(`functions have no internalBinding('${name}')`)
      made.set(name, make())
    }
    return made.get(name)
  }
}

function toAscii(domain: string): string {
  return URL.parse(`ws://${domain}`)?.hostname ?? ''
}
