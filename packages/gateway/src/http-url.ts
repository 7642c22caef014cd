/** The host of a Host header in lower case, without port; '' when there is none. */
export function hostOf(header: string | undefined): string {
  if (header === undefined) return ''
  const colon = header.lastIndexOf(':')
  const bare = colon < 0 || header.endsWith(']') ? header : header.slice(0, colon)
  const lower = bare.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/**
 * Path and query of a request target. Almost always that is what came; a proxy's form (`GET http://host/path`, RFC 9112, section 3.2.2) loses
 * scheme and authority, and `*` stays.
 */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target
  const match = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)
  if (match === null) return target
  const rest = match[1] as string
  return rest.startsWith('/') ? rest : `/${rest}`
}
