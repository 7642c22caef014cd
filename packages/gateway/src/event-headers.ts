import { PeerlessError } from '@peerless/interface'
import { FORWARDERS_CACHED_MAX, HEADER_NAMES_CACHED_MAX } from './limits.ts'
import { isLoopback, plainAddress } from './url-root.ts'

/** The connection that a request came over, as far as events tell of it. */
export interface EventConnection {
  readonly remoteAddress?: string | undefined
  readonly localPort?: number | undefined
}

/** What events say of a connection; made once per address, not per call. */
export interface Forwarder {
  /** The other end, IPv4 as such. */
  readonly ip: string
  /** `x-forwarded-for`, `-port` and `-proto` in JSON, without braces. */
  readonly json: string
  readonly port: string
  /** Only what runs on this machine comes from here: a proxy, most likely, that knows more about its client. */
  readonly loopback: boolean
}

/** What becomes of a header in an event. */
type Fate = 'kept' | 'dropped' | 'merged'

interface HeaderName {
  readonly lower: string
  /** A comma, the name quoted, a colon. */
  readonly json: string
  readonly fate: Fate
}

/** Headers of the connection end with it (RFC 9110, section 7.6.1): AWS does not pass them on either. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect'
])

/** Headers that this node adds; a client's own are merged with them. */
const ADDED = new Set(['x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-amzn-trace-id'])

/** Below this many headers a repeated name is looked for one by one; above it by a map, so that no client makes it quadratic. */
const HEADERS_SEARCHED_MAX = 40

/** This node speaks no TLS; what does stands before it. */
const PROTO = 'http'

/** The member `headers` of an event, joined from strings that are kept per header name and per address. */
export class EventHeaders {
  readonly #names = new Map<string, HeaderName>()
  readonly #forwarders = new Map<string, Forwarder>()

  forwarderOf(connection: EventConnection): Forwarder {
    const address = connection.remoteAddress ?? ''
    const known = this.#forwarders.get(address)
    if (known !== undefined) return known
    const ip = plainAddress(address)
    const port = String(connection.localPort ?? '')
    const json = `"x-forwarded-for":${JSON.stringify(ip)},"x-forwarded-port":"${port}","x-forwarded-proto":"${PROTO}"`
    const made = { ip, json, port, loopback: isLoopback(ip) }
    if (this.#forwarders.size >= FORWARDERS_CACHED_MAX) this.#forwarders.clear()
    this.#forwarders.set(address, made)
    return made
  }

  /**
   * @param raw names and values in turn, as they came
   * @param traceId `1-SECONDS-ID`, of this call
   * @throws INVALID_ARGUMENT for a second Host
   */
  join(raw: readonly string[], forwarder: Forwarder, traceId: string): string {
    if (raw.length > 2 * HEADERS_SEARCHED_MAX) return this.merge(raw, forwarder, traceId)
    let json = `${forwarder.json},"x-amzn-trace-id":"Root=${traceId}"`
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const name = this.#nameOf(raw[index] as string)
      if (name.fate === 'dropped') continue
      if (name.fate === 'merged') return this.merge(raw, forwarder, traceId)
      for (let before = 0; before < index; before += 2) {
        if (this.#nameOf(raw[before] as string).lower === name.lower) return this.merge(raw, forwarder, traceId)
      }
      json += `${name.json}${JSON.stringify(raw[index + 1])}`
    }
    return json
  }

  /**
   * The same with repeated names, whose values are joined by a comma, cookies as such, and with a client's own `x-forwarded-…`.
   * @param without a name that is left out
   * @throws INVALID_ARGUMENT for a second Host: two parties on the way might each believe another (RFC 9112, section 3.2)
   */
  merge(raw: readonly string[], forwarder: Forwarder, traceId: string, without?: string): string {
    const values = new Map<string, string>()
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const { lower, fate } = this.#nameOf(raw[index] as string)
      if (fate === 'dropped' || lower === without) continue
      const before = values.get(lower)
      if (before !== undefined && lower === 'host')
        throw new PeerlessError('INVALID_ARGUMENT', 'a request must have one Host header, this one has several')
      // A comma would become part of a cookie: proxies that got HTTP/2 may pass its pieces on as they came (RFC 9113, section 8.2.3).
      const comma = lower === 'cookie' ? '; ' : ','
      values.set(lower, before === undefined ? (raw[index + 1] as string) : `${before}${comma}${raw[index + 1]}`)
    }
    const { ip, port, loopback } = forwarder
    const told = (name: string) => values.get(name) || undefined
    const hops = told('x-forwarded-for')
    values.set('x-forwarded-for', hops === undefined ? ip : `${hops}, ${ip}`)
    // How the client of a proxy came is for the proxy to say; anybody else was seen by this node.
    values.set('x-forwarded-port', (loopback ? told('x-forwarded-port') : undefined) ?? port)
    values.set('x-forwarded-proto', (loopback ? told('x-forwarded-proto') : undefined) ?? PROTO)
    values.set('x-amzn-trace-id', tracedFrom(told('x-amzn-trace-id'), traceId))
    return objectJson(values)
  }

  #nameOf(raw: string): HeaderName {
    const known = this.#names.get(raw)
    if (known !== undefined) return known
    const lower = raw.toLowerCase()
    const fate: Fate = OF_THE_CONNECTION.has(lower) ? 'dropped' : ADDED.has(lower) ? 'merged' : 'kept'
    const made = { lower, json: `,${JSON.stringify(lower)}:`, fate }
    if (this.#names.size >= HEADER_NAMES_CACHED_MAX) this.#names.clear()
    this.#names.set(raw, made)
    return made
  }
}

/** Who begins a trace is its root; who comes later says `Self` (Elastic Load Balancing, "Request tracing"). */
function tracedFrom(told: string | undefined, traceId: string): string {
  if (told === undefined) return `Root=${traceId}`
  return /(^|;)\s*Root=/.test(told) ? `Self=${traceId};${told}` : `Root=${traceId};${told}`
}

/** Members of a JSON object, without braces. */
export function objectJson(values: ReadonlyMap<string, string>): string {
  let json = ''
  for (const [name, value] of values) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`
  return json
}
