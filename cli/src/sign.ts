import { createHash, createHmac } from 'node:crypto'

/**
 * AWS Signature Version 4, the part that a client needs (AWS documentation: "Create a signed AWS API request"). Paths are given as they
 * are sent; every raw segment is encoded once more for the canonical form, as all services but S3 have it.
 */
export interface SignOrder {
  method: string
  /** `host[:port]` as in the Host header. */
  host: string
  /** Percent-encoded, without query; no empty, `.` or `..` segments. */
  path: string
  /** Decoded names and values; a name may repeat. */
  query: readonly (readonly [string, string])[]
  /** Further headers to sign, names in lower case. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  accessKeyId: string
  secretAccessKey: string
  region: string
  service: string
  /** Epoch milliseconds. */
  now: number
}

/** @returns all headers to send: the given ones, `host`, `x-amz-date`, `x-amz-content-sha256` and `authorization` */
export function signRequest(order: SignOrder): Record<string, string> {
  const stamp = new Date(order.now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = stamp.slice(0, 8)
  const bodyHash = createHash('sha256').update(order.body).digest('hex')
  const headers: Record<string, string> = {
    ...order.headers,
    host: order.host,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': stamp
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    order.method,
    order.path.split('/').map(encodeText).join('/'),
    queryText(order.query),
    ...names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    bodyHash
  ].join('\n')
  const scope = `${day}/${order.region}/${order.service}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  let key = hmac(`AWS4${order.secretAccessKey}`, day)
  for (const part of [order.region, order.service, 'aws4_request']) key = hmac(key, part)
  const signature = hmac(key, text).toString('hex')
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${order.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return headers
}

/** The query as it is sent and signed: encoded, then sorted. Without `?`; empty for none. */
export function queryText(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([name, value]) => [encodeText(name), encodeText(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : x > y ? 1 : 0) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** RFC 3986: everything but letters, digits and `-._~`. encodeURIComponent leaves five more as they are. */
export function encodeText(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
