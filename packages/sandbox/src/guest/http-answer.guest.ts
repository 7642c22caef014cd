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
  const headers = headersOf(value.headers, value.cookies, 'application/json')
  return { statusCode, headers, body: bodyOf(value.body, value.isBase64Encoded === true) }
}

/** @throws InvalidHttpResponse */
export function statusOf(alleged: unknown): number {
  const statusCode = Number(alleged)
  if (statusCode >= 200 && statusCode <= 599 && statusCode % 1 === 0) return statusCode
  throw new InvalidHttpResponse(`statusCode ${text(alleged)} must be an integer from 200 to 599`)
}

/** @param typeDefault content type where none is given */
export function headersOf(given: unknown, cookies: unknown, typeDefault: string): string {
  let headers = ''
  let typed = false
  if (typeof given === 'object' && given !== null) {
    for (const name in given) {
      const one = (given as Record<string, unknown>)[name]
      if (one === undefined || one === null) continue
      const lower = name.toLowerCase()
      if (lower === 'content-type') typed = true
      headers += `${headers === '' ? '' : '\0'}${lower}\0${Array.isArray(one) ? one.join(', ') : text(one)}`
    }
  }
  if (!typed) headers += `${headers === '' ? '' : '\0'}content-type\0${typeDefault}`
  if (Array.isArray(cookies)) {
    for (const cookie of cookies) headers += `\0set-cookie\0${text(cookie)}`
  }
  return headers
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
