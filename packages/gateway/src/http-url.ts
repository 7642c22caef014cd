import type { IncomingMessage } from 'node:http'

/** The host of a Host header in lower case, without port; '' when there is none. */
export function hostOf(header: string | undefined): string {
  if (header === undefined) return ''
  const colon = header.lastIndexOf(':')
  const bare = colon < 0 || header.endsWith(']') ? header : header.slice(0, colon)
  const lower = bare.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** A proxy's form of a request target (RFC 9112, section 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i
/** A host, or an address in brackets, and maybe a port; no user (RFC 9110, section 4.2.4). */
const AUTHORITY = /^(?:[^\s@:[\]]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/

/**
 * Makes of a target in absolute form (`GET http://host/path`) the ordinary one: path and query, and its host in the place of what the Host header said,
 * which must be ignored then (RFC 9112, section 3.2.2). So all that looks at a request afterwards, signatures and events too, sees one host. Other targets stay.
 * @returns false where it names no host, or a user
 */
export function toOriginForm(request: Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders'>): boolean {
  const { url = '/', rawHeaders } = request
  // Almost always.
  if (url.charCodeAt(0) === 0x2f) return true
  const match = ABSOLUTE.exec(url)
  if (match === null) return true
  const [, authority = '', rest = ''] = match
  if (!AUTHORITY.test(authority)) return false
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  request.headers.host = authority
  let named = false
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() !== 'host') continue
    rawHeaders[index + 1] = authority
    named = true
  }
  if (!named) rawHeaders.push('Host', authority)
  return true
}
