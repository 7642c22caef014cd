import type { IncomingMessage } from 'node:http'
import type { CorsSettings } from '@peerless/interface'
import type { FlatHeaders } from './http-answer.ts'

/** What of a function's own answer is left out, because the configuration decides it. */
const OWNED_HEADERS = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age'
])

/** What may stand in a list of a response header: the settings come from the catalog, which any member may write. */
const LISTABLE = /^[!#-+\--:<-~]+$/

/**
 * Cross-origin rules of one function URL or route (Fetch standard, "CORS protocol"; settings as Lambda's Cors). Where they are configured
 * they decide alone: preflights are answered here and never reach the function, and what the function says of CORS is dropped.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>
  /** `*`, or `https://*`: every origin of that scheme. */
  readonly #anyOrigin: boolean
  readonly #schemes: readonly string[]
  readonly #methods: ReadonlySet<string>
  readonly #headers: ReadonlySet<string>
  readonly #credentials: boolean
  readonly #exposed: string
  readonly #maxAge: number | undefined

  constructor(settings: CorsSettings) {
    const origins = settings.allowOrigins ?? []
    this.#anyOrigin = origins.includes('*')
    this.#schemes = origins.filter((origin) => origin.endsWith('://*')).map((origin) => origin.slice(0, -1).toLowerCase())
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase().replace(/\/$/, '')))
    const listable = (values: string[] | undefined) => (values ?? []).filter((value) => LISTABLE.test(value))
    this.#methods = new Set(listable(settings.allowMethods).map((method) => method.toUpperCase()))
    this.#headers = new Set(listable(settings.allowHeaders).map((header) => header.toLowerCase()))
    this.#credentials = settings.allowCredentials === true
    this.#exposed = listable(settings.exposeHeaders).join(', ')
    this.#maxAge = settings.maxAge
  }

  /** A browser asks whether it may: to be answered without the function. */
  isPreflight(request: IncomingMessage): boolean {
    const { headers } = request
    return request.method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
  }

  /** Headers of the answer to a preflight; none of CORS where the origin, method or a header is not allowed: the browser then refuses. */
  preflight(request: IncomingMessage): FlatHeaders {
    const { headers } = request
    const vary = ['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers']
    const origin = this.#allowedOrigin(headers.origin)
    const method = String(headers['access-control-request-method']).toUpperCase()
    const asked = (headers['access-control-request-headers'] ?? '')
      .split(',')
      .map((header) => header.trim().toLowerCase())
      .filter((header) => header !== '')
    if (origin === undefined || !has(this.#methods, method) || !asked.every((header) => has(this.#headers, header))) return vary
    const allowed = ['access-control-allow-origin', origin, 'access-control-allow-methods', this.#listed(this.#methods, method)]
    if (asked.length > 0) allowed.push('access-control-allow-headers', this.#listed(this.#headers, asked.join(', ')))
    if (this.#credentials) allowed.push('access-control-allow-credentials', 'true')
    if (this.#maxAge !== undefined) allowed.push('access-control-max-age', String(this.#maxAge))
    return [...allowed, ...vary]
  }

  /** Adds what the answer to any other request carries. */
  mark(request: IncomingMessage, headers: FlatHeaders): void {
    const origin = this.#allowedOrigin(request.headers.origin)
    if (origin !== '*') headers.push('vary', 'Origin')
    if (origin === undefined) return
    headers.push('access-control-allow-origin', origin)
    if (this.#credentials) headers.push('access-control-allow-credentials', 'true')
    if (this.#exposed !== '') headers.push('access-control-expose-headers', this.#exposed)
  }

  readonly owns = (lower: string): boolean => OWNED_HEADERS.has(lower)

  /** `*` only where no credentials may go along: with them browsers want the origin itself. */
  #allowedOrigin(origin: string | undefined): string | undefined {
    if (origin === undefined) return undefined
    const lower = origin.toLowerCase()
    if (this.#anyOrigin) return this.#credentials ? origin : '*'
    const allowed = this.#origins.has(lower) || this.#schemes.some((scheme) => lower.startsWith(scheme))
    return allowed ? origin : undefined
  }

  #listed(allowed: ReadonlySet<string>, asked: string): string {
    if (!allowed.has('*')) return [...allowed].join(', ')
    return this.#credentials ? asked : '*'
  }
}

function has(allowed: ReadonlySet<string>, value: string): boolean {
  return allowed.has('*') || allowed.has(value)
}

/** Rules that say nothing are none: then CORS is the function's own business. */
export function corsOf(settings: CorsSettings | undefined): Cors | undefined {
  return settings === undefined || Object.keys(settings).length === 0 ? undefined : new Cors(settings)
}
