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
  /** A job of the executor has news: job id, RESUME status, text, bytes */
  RESUME: 4,
  /** Nothing runs: collect garbage. */
  COLLECT: 5,
  /** What the instance is: JSON, and the completion value of the `node:` modules' script or nothing. Comes first, once. */
  CONFIGURE: 6,
  /** A rejection that nobody handled: name or undefined, message or value, stack */
  REJECTED: 7,
  /** Before CONFIGURE: an IsolateKind's runtime, to be made ready, and for `node:` modules the completion value of their script. */
  RUNTIME: 8,
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
  CHUNK: 7,
  /** Starts a job: id, JOB, JSON text, bytes or undefined */
  JOB: 8,
  /** Goes on with a job: id, VERB, number, bytes */
  JOB_MORE: 9,
  /** Milliseconds for which the call will hold its thread without computing */
  BLOCKED: 10,
  /** The function listens to rejections that nobody handled. */
  LISTENS: 11,
  /** It dealt with the one that it was told of. */
  HANDLED: 12
} as const

/** What the executor does for an isolate while that goes on: answers come by ENTER.RESUME. */
export const JOB = {
  /** An operation of Web Crypto; see web-crypto.ts */
  CRYPTO: 1,
  /** One step of a compression stream; see hosted-zlib.ts */
  ZLIB: 2,
  /** An outbound request, carried on by the daemon; see hosted-fetch.ts */
  FETCH: 3
} as const

/** Status of ENTER.RESUME: the first two end the job. */
export const RESUME = {
  /** result text, bytes */
  DONE: 0,
  /** JSON of name, message and, for a fetch, rule */
  FAILED: 1,
  /** JSON of status, statusText, url, redirected, headers */
  HEAD: 2,
  /** bytes of a body */
  DATA: 3,
  /** text of a number: so many more bytes of the request's body are welcome */
  PULL: 4
} as const

export const VERB = {
  /** bytes of the request's body */
  WRITE: 1,
  END: 2,
  /** so many more bytes of the response's body are welcome */
  CREDIT: 3,
  ABORT: 4
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
  /** name → source of a part of the glue that is evaluated when it is first used */
  CHUNK: 41,
  /** label → name of the encoding as the standard has it, or undefined when it is not known */
  ENCODING: 40,
  /** name → bytes of a file of the bundle, or undefined; without a name: JSON of [name, bytes] for all of them */
  FILE: 48,
  /** → the script of `node:` modules, for an instance that was not given it at its start */
  LIBRARY: 63,
  /** mode, options JSON, dictionary or undefined → number of a stream, or an error as `code NUL errno NUL message` */
  ZLIB_OPEN: 64,
  /** stream, flush, bytes, room → room and input left, and bytes; or an error */
  ZLIB_WRITE: 65,
  /** stream, and level and strategy or nothing */
  ZLIB_RESET: 66,
  /** stream */
  ZLIB_CLOSE: 67,
  /** name, JSON, bytes, bytes → bytes or text; an error is JSON text of name, code, message behind a NUL */
  CRYPTO_SYNC: 68
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
/** Jobs that one instance may have under way, waiting ones included. */
export const JOBS_MAX = 1_024
/** Bytes of a body that one side of a fetch may send before the other has asked for more. */
export const FETCH_WINDOW_BYTES = 262_144
/** One piece of a body on its way through bridge and pipe. */
export const FETCH_PIECE_BYTES = 65_536
/** In and out of one synchronous step of compression. */
export const ZLIB_STEP_BYTES_MAX = 1_048_576
/** Requests that one instance has under way; more wait in the isolate. */
export const FETCHES_MAX = 64
