/** Numbers that glue code and executor use to talk over the boundary of an isolate. Only numbers, strings and byte copies cross it. */

/** Ways into an isolate: first argument of the glue's one entry. */
export const ENTER = {
  /** payload, request id, kind, milliseconds left, meta JSON or undefined */
  INVOKE: 0,
  /** The earliest timer is due. */
  TIMER: 1,
  /** exports (or a promise of them), name of the handler's export */
  ADOPT: 2,
  /** bytes of the stream that the client took */
  CREDIT: 3,
  /** Added to the above when the executor waits on its own thread, so that answers come back within the call. */
  DIRECT: 16
} as const

/** What the glue tells; nothing comes back. */
export const TELL = {
  /** status, body; for `http`: status code, headers joined by NUL, and bodies may be bytes. */
  ANSWER: 1,
  /** status, error JSON */
  LOADED: 2,
  /** level, text */
  LOG: 3,
  /** Milliseconds until the glue wants to be entered for its timers. */
  WAKE: 4,
  /** Lines that were over the limit. */
  LOGS_DROPPED: 5,
  /** status code, headers joined by NUL: a streamed answer begins */
  HEAD: 6,
  /** bytes of it */
  CHUNK: 7
} as const

/** What the glue asks; the answer is a copy. */
export const ASK = {
  /** count → bytes */
  RANDOM: 32,
  /** algorithm, HMAC key or undefined, bytes → digest, or undefined for an unknown algorithm */
  HASH: 33,
  /** text, base or undefined → components joined by NUL, or undefined when it is no URL */
  URL_PARSE: 34,
  /** href, component, value → components joined by NUL */
  URL_SET: 35,
  /** text → UTF-8 */
  ENCODE: 36,
  /** bytes, label, fatal, ignoreBOM → text, or undefined when fatal and malformed */
  DECODE: 37,
  /** → names of hashes joined by NUL */
  HASHES: 38,
  /** name → bytes of a file of the bundle, or undefined; without a name: JSON of [name, bytes] for all of them */
  FILE: 48,
  /** → the script of `node:` modules, for an instance that was not given it at its start */
  LIBRARY: 39
} as const

/** Components of a URL in the order in which they cross the boundary. */
export const URL_COMPONENTS = [
  'href',
  'origin',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash'
] as const

/** Bytes of random or hashed data in one crossing. */
export const RANDOM_BYTES_MAX = 65_536
/** Timers pending in one instance. */
export const TIMERS_MAX = 10_000
