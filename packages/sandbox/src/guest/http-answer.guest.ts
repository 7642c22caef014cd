import { jsonStringify, reflectApply, stringSlice } from './intrinsics.guest.ts'

export interface HttpAnswer {
  statusCode: number
  /** name NUL value NUL name NUL value; checked by the executor. */
  headers: string
  body: string | Uint8Array
}

/**
 * API Gateway payload format 2.0, outbound: an object with `statusCode` is the answer's parts, a Response what it is, anything else the
 * body of a 200 with JSON (a string is sent as it is).
 */
export function answerHttp(value: unknown): HttpAnswer {
  if (typeof value === 'object' && value !== null) {
    if (PREPARED in value) return (value as { [PREPARED]: HttpAnswer })[PREPARED]
    const statusCode = (value as { statusCode?: unknown }).statusCode
    if (statusCode !== undefined) return structured(value as Structured, statusCode)
  }
  const body = typeof value === 'string' ? value : (jsonStringify(value) ?? 'null')
  return { statusCode: 200, headers: 'content-type\0application/json', body }
}

/** What `http-fetch` made of a Response. */
export const PREPARED: unique symbol = Symbol('prepared answer')

interface Structured {
  headers?: unknown
  cookies?: unknown
  body?: unknown
  isBase64Encoded?: unknown
}

function structured(value: Structured, alleged: unknown): HttpAnswer {
  const statusCode = statusOf(alleged)
  const headers = headersOf(value.headers, value.cookies, typeDefaultOf(statusCode, 'application/json'))
  return { statusCode, headers, body: bodyOf(value.body, value.isBase64Encoded === true) }
}

/** @throws InvalidHttpResponse */
export function statusOf(alleged: unknown): number {
  const statusCode = Number(alleged)
  if (statusCode >= 200 && statusCode <= 599 && statusCode % 1 === 0) return statusCode
  throw new InvalidHttpResponse(`statusCode ${text(alleged)} must be an integer from 200 to 599`)
}

/** @param typeDefault content type where none is given; undefined for an answer that has no body to be of a type */
export function headersOf(given: unknown, cookies: unknown, typeDefault: string | undefined): string {
  let headers = ''
  let typed = typeDefault === undefined
  const add = (name: string, value: unknown) => {
    headers += `${headers === '' ? '' : '\0'}${name}\0${text(value)}`
  }
  if (typeof given === 'object' && given !== null) {
    for (const name in given) {
      const one = (given as Record<string, unknown>)[name]
      if (one === undefined || one === null) continue
      const lower = name.toLowerCase()
      if (lower === 'content-type') typed = true
      if (!Array.isArray(one)) add(lower, one)
      // The one header whose values can't be joined (RFC 6265, section 3).
      else if (lower === 'set-cookie') for (const cookie of one) add(lower, cookie)
      else add(lower, one.join(', '))
    }
  }
  if (!typed) add('content-type', typeDefault)
  if (Array.isArray(cookies)) for (const cookie of cookies) add('set-cookie', cookie)
  return headers
}

/** Statuses whose answers have no body (RFC 9110, sections 15.3.5 and 15.4.5), and so no type that was not given. */
export function typeDefaultOf(statusCode: number, type: string): string | undefined {
  return statusCode === 204 || statusCode === 304 ? undefined : type
}

function bodyOf(body: unknown, encoded: boolean): string | Uint8Array {
  if (body === undefined || body === null) return ''
  if (typeof body !== 'string') return body instanceof Uint8Array ? body : (jsonStringify(body) ?? '')
  if (!encoded) return body
  try {
    return Uint8Array.fromBase64(body)
  } catch {
    throw new InvalidHttpResponse(`body '${reflectApply(stringSlice, body, [0, 40])}' must be base64, as isBase64Encoded says`)
  }
}

function text(value: unknown): string {
  return typeof value === 'symbol' ? value.toString() : `${value}`
}

export class InvalidHttpResponse extends Error {
  override name = 'Runtime.InvalidHttpResponse'
}
