import { hash } from 'node:crypto'
import { PeerlessError } from '@peerless/interface'

/** Methods that a route may name (API Gateway's), beside ANY. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export const ANY = 'ANY'
const DEFAULT_ROUTE = '$default'
/** As long as a path that people type; each segment costs a step when a request is matched. */
const PATH_CHARS_MAX = 500
const SEGMENTS_MAX = 64
const PARAMETER_NAME = /^[A-Za-z0-9._-]{1,64}$/
/** RFC 3986: pchar, without braces, which mean a parameter here. */
const LITERAL = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$/
/** First segments that belong to the node itself on hosts that no route names. */
const RESERVED = /^(?:fn|v1|healthz|readyz|metrics|console|\d{4}-\d{2}-\d{2})$/

/** One step of a path: text to match (decoded), a parameter, or all that is left. */
interface RouteSegment {
  readonly kind: 'literal' | 'parameter' | 'greedy'
  /** The text, or the parameter's name. */
  readonly text: string
}

export interface RoutePattern {
  /** As it is shown and put into events: `GET /users/{id}`, or `$default`. */
  readonly routeKey: string
  /** A method or ANY. */
  readonly method: string
  /** undefined for `$default`. */
  readonly segments: readonly RouteSegment[] | undefined
}

/**
 * Reads a route key of API Gateway's HTTP APIs: `METHOD /path` with `{name}` segments, at the end perhaps `{name+}`; or `$default`.
 * @param alleged as a person wrote it
 * @throws PeerlessError INVALID_ARGUMENT naming the value and the rule
 */
export function parseRouteKey(alleged: string): RoutePattern {
  const text = alleged.trim()
  if (text === DEFAULT_ROUTE) return { routeKey: DEFAULT_ROUTE, method: ANY, segments: undefined }
  const [, word = '', path = ''] = /^(\S+)\s+(\S+)$/.exec(text) ?? []
  const method = word.toUpperCase()
  if (method !== ANY && !METHODS.some((one) => one === method)) {
    throw broken(alleged, `must be 'METHOD /path' with a method of ${[...METHODS, ANY].join(', ')}, or '${DEFAULT_ROUTE}'`)
  }
  if (!path.startsWith('/') || path.length > PATH_CHARS_MAX) {
    throw broken(alleged, `must have a path that begins with '/', of at most ${PATH_CHARS_MAX} characters`)
  }
  const parts = path.slice(1).split('/')
  if (parts.length > SEGMENTS_MAX) throw broken(alleged, `has ${parts.length} segments, at most ${SEGMENTS_MAX}`)
  const segments = parts.map((part, index) => parseSegment(alleged, part, index === parts.length - 1))
  const names = segments.filter(({ kind }) => kind !== 'literal').map((segment) => segment.text)
  if (new Set(names).size < names.length) throw broken(alleged, 'must not name two parameters alike')
  return { routeKey: `${method} ${path}`, method, segments }
}

function parseSegment(alleged: string, part: string, last: boolean): RouteSegment {
  if (!part.includes('{') && !part.includes('}')) {
    const text = LITERAL.test(part) ? decodeSegment(part) : undefined
    if (text === undefined) throw broken(alleged, `has a segment '${part}' with characters that no path has`)
    return { kind: 'literal', text }
  }
  const [, name = '', plus] = /^\{([^{}+]*)(\+)?\}$/.exec(part) ?? []
  if (!PARAMETER_NAME.test(name)) {
    throw broken(alleged, `has '${part}': a parameter is a whole segment '{name}' of 1 to 64 letters, digits, '.', '-' or '_'`)
  }
  if (plus === undefined) return { kind: 'parameter', text: name }
  if (!last) throw broken(alleged, `has '${part}' before its end: a greedy parameter must be the last segment`)
  return { kind: 'greedy', text: name }
}

/** undefined when its escapes are not UTF-8. */
export function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    // The one thing that it throws.
    return undefined
  }
}

/** Two routes that match the same requests have the same id, whatever they call their parameters. */
export function routeIdOf(host: string | undefined, { method, segments }: RoutePattern): string {
  const shape = segments?.map(({ kind, text }) => (kind === 'literal' ? `=${text}` : kind === 'parameter' ? '{}' : '{+}'))
  return hash('sha256', JSON.stringify([host ?? null, method, shape ?? null])).slice(0, 32)
}

/** @throws PeerlessError INVALID_ARGUMENT when the node itself answers there */
export function checkNotReserved({ routeKey, segments }: RoutePattern): void {
  const first = segments?.[0]
  if (first?.kind !== 'literal' || !RESERVED.test(first.text)) return
  throw broken(routeKey, `begins with '/${first.text}', where the node itself answers; give it a host of its own with --host`)
}

/** True where the node itself answers on hosts that no route names. */
export function isReservedPath(path: string): boolean {
  const end = path.indexOf('/', 1)
  return RESERVED.test(path.slice(1, end < 0 ? path.length : end))
}

/**
 * A host name of routes: lower case, at least two labels, `*` alone as the first. Names that lead to this machine in any case are refused, so that
 * no route can take the node's own API away.
 * @throws PeerlessError INVALID_ARGUMENT
 */
export function parseHost(alleged: string): string {
  const host = alleged.trim().toLowerCase().replace(/\.$/, '')
  const labels = host.split('.')
  const first = labels[0] === '*' ? 1 : 0
  const whole = labels.slice(first).every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  const address = /^[\d.]+$/.test(host)
  if (host.length <= 253 && whole && labels.length >= 2 + first && !address && labels.at(-1) !== 'localhost') return host
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `host '${alleged.slice(0, 200)}' must be a name of at least two labels such as api.example.com or *.example.com, no address and not under localhost`
  )
}

function broken(alleged: string, rule: string): PeerlessError {
  return new PeerlessError('INVALID_ARGUMENT', `route '${alleged.slice(0, 200)}' ${rule}`)
}
