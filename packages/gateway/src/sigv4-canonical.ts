import type { ApiRequest } from './api-call.ts'
import { queryPairs } from './url-query.ts'

/** The canonical forms of AWS Signature Version 4 (IAM user guide, "Create a signed AWS API request"), as services other than S3 use them. */

/** RFC 3986 unreserved characters stay; everything else is escaped in upper case. */
function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Dot segments and empty segments resolved, then every segment of the raw path escaped once more (`%3A` → `%253A`). */
export function canonicalPath(rawPath: string): string {
  const segments: string[] = []
  for (const segment of rawPath.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(escapeUri(segment))
  }
  return segments.length === 0 ? '/' : `/${segments.join('/')}${rawPath.endsWith('/') ? '/' : ''}`
}

/**
 * Decoded, escaped again, sorted by name and then by value.
 * @param without the parameter that a presigned URL has its signature in: it cannot be signed itself
 */
export function canonicalQuery(query: string, without: string | undefined): string {
  if (query.length === 0) return ''
  return queryPairs(query)
    .filter(([name]) => name !== without)
    .map(([name, value]) => [escapeUri(name), escapeUri(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** All headers by lower-case name; the values of a repeated one joined by a comma in their order. */
export function headerValues(request: ApiRequest): Map<string, string> {
  const raw = request.rawHeaders
  const values = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = (raw[index + 1] as string).trim().replace(/\s+/g, ' ')
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  return values
}
