import type { EgressOrder } from '@peerless/interface'
import { EgressError } from './egress-error.ts'
import { HEADER_BYTES_MAX, HEADERS_MAX, REQUEST_BYTES_MAX, URL_CHARS_MAX } from './limits.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 field-value, bytes as latin1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** What the connection and the framing are the broker's: a function that names them is not refused, they are left out. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])
/** Methods that fetch forbids. */
const METHODS_CLOSED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
const METHOD_CHARS_MAX = 64

export interface RequestHead {
  method: string
  url: URL
  /** Lower-case names; cookies and the like of the function included. */
  headers: Map<string, string>
}

/** @throws EgressError naming value, rule and bound */
export function readHead(order: EgressOrder): RequestHead {
  const head = { method: readMethod(order.method), url: readUrl(order.url), headers: readHeaders(order.headers) }
  if (order.trace !== undefined && callsLambda(head.headers)) head.headers.set(TRACE_HEADER, order.trace)
  return head
}

const TRACE_HEADER = 'x-amzn-trace-id'

/**
 * A request to a Lambda API, here or elsewhere, by its signature: it continues the chain of the call that makes it, whether the function's client says so (AWS's
 * SDKs do, and leave the header unsigned) or not. What the function has signed stays as it is, or nobody would take it.
 */
function callsLambda(headers: ReadonlyMap<string, string>): boolean {
  const authorization = headers.get('authorization') ?? ''
  if (!authorization.startsWith('AWS4-HMAC-SHA256 ') || !authorization.includes('/lambda/aws4_request')) return false
  return !authorization.includes(TRACE_HEADER)
}

function readMethod(method: string): string {
  if (typeof method !== 'string' || method.length > METHOD_CHARS_MAX || !TOKEN.test(method)) {
    throw new EgressError(
      'method',
      `method '${String(method).slice(0, 40)}' must be a token of at most ${METHOD_CHARS_MAX} characters`
    )
  }
  if (METHODS_CLOSED.has(method.toUpperCase())) throw new EgressError('method', `method ${method} is not available to functions`)
  return method
}

/** @throws EgressError */
export function readUrl(text: string, base?: URL): URL {
  if (typeof text !== 'string' || text.length > URL_CHARS_MAX) {
    throw new EgressError('url', `a URL must be text of at most ${URL_CHARS_MAX} characters`)
  }
  const url = URL.parse(text, base)
  if (url === null) throw new EgressError('url', `'${text.slice(0, 200)}' is no URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EgressError('scheme', `the scheme of ${url.protocol}// must be http or https`)
  }
  if (url.username !== '' || url.password !== '')
    throw new EgressError('credentials', 'a URL must not hold user name or password')
  url.hash = ''
  return url
}

function readHeaders(flat: readonly string[]): Map<string, string> {
  if (flat.length / 2 > HEADERS_MAX) throw new EgressError('headers', `${flat.length / 2} headers, at most ${HEADERS_MAX}`)
  const headers = new Map<string, string>()
  let bytes = 0
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = String(flat[index]).toLowerCase()
    const value = String(flat[index + 1])
    bytes += name.length + value.length + 4
    if (bytes > HEADER_BYTES_MAX) throw new EgressError('headers', `headers must be at most ${HEADER_BYTES_MAX} bytes`)
    if (!TOKEN.test(name)) throw new EgressError('headers', `header name '${name.slice(0, 100)}' must be a token`)
    if (!VALUE.test(value)) throw new EgressError('headers', `the value of header ${name} has characters that no header may have`)
    if (OWN_HEADERS.has(name)) continue
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`)
  }
  return headers
}

/** @throws EgressError */
export function checkBodyBytes(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < -1 || bytes > REQUEST_BYTES_MAX) {
    throw new EgressError('request body', `a request's body of ${bytes} bytes must be at most ${REQUEST_BYTES_MAX}`)
  }
}
