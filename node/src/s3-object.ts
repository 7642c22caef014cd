import { createHash, createHmac } from 'node:crypto'
import type { FetchObject } from '@peerless/gateway'
import { PeerlessError } from '@peerless/interface'

/** Longest wait for a whole object: 50 MB over 10 Mbit/s take 42 s. */
const FETCH_MS_MAX = 60_000
/** An error document of S3 has a few hundred bytes. */
const ERROR_BYTES_MAX = 16_384
const EMPTY_SHA256 = createHash('sha256').digest('hex')

export interface S3Access {
  /** Origin of any S3-compatible server; buckets are folders of it (path style). */
  readonly endpoint: string
  /** Without them requests go unsigned, for buckets that anyone may read. */
  readonly accessKeyId: string | undefined
  readonly secretAccessKey: string | undefined
  readonly sessionToken: string | undefined
  readonly region: string
}

/** Reads objects for code that is named by S3Bucket and S3Key. @throws TOO_LARGE; INVALID_ARGUMENT with S3's reason */
export function s3Objects(access: S3Access, now: () => number): FetchObject {
  return async ({ bucket, key, version, bytesMax }) => {
    const path = `/${encodePath(bucket)}/${key.split('/').map(encodePath).join('/')}`
    const query = version === undefined ? '' : `versionId=${encodePath(version)}`
    const url = new URL(access.endpoint)
    const headers = signedHeaders(access, { host: url.host, path, query, now: now() })
    let response: Response
    try {
      response = await fetch(`${url.origin}${path}${query === '' ? '' : `?${query}`}`, {
        headers,
        // A redirect would send the signature elsewhere.
        redirect: 'error',
        signal: AbortSignal.timeout(FETCH_MS_MAX)
      })
    } catch (error) {
      throw refused('ServiceUnavailable', `the endpoint ${url.origin} cannot be reached`, error)
    }
    if (response.status === 200) return await bodyOf(response, bytesMax, key)
    const text = Buffer.from(await bodyOf(response, ERROR_BYTES_MAX, key).catch(() => Buffer.alloc(0))).toString()
    const member = (name: string) => new RegExp(`<${name}>([^<]{0,500})</${name}>`).exec(text)?.[1]
    throw refused(member('Code') ?? `HTTP ${response.status}`, member('Message') ?? 'the server gave no reason')
  }
}

async function bodyOf(response: Response, bytesMax: number, key: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // Leaving the loop ends the transfer.
    if (bytes > bytesMax)
      throw new PeerlessError('TOO_LARGE', `the object '${key.slice(0, 200)}' has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

/** In the words of Lambda. */
function refused(code: string, message: string, cause?: unknown): PeerlessError {
  return new PeerlessError(
    'INVALID_ARGUMENT',
    `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`,
    cause === undefined ? {} : { cause }
  )
}

/** AWS Signature Version 4 of a GET without a body; S3 takes the path as it is sent. */
function signedHeaders(
  access: S3Access,
  request: { host: string; path: string; query: string; now: number }
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken, region } = access
  if (accessKeyId === undefined || secretAccessKey === undefined) return {}
  const stamp = new Date(request.now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = stamp.slice(0, 8)
  const headers: Record<string, string> = {
    host: request.host,
    'x-amz-content-sha256': EMPTY_SHA256,
    'x-amz-date': stamp,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken })
  }
  const names = Object.keys(headers).sort()
  const list = names.map((name) => `${name}:${headers[name]}\n`).join('')
  const canonical = ['GET', request.path, request.query, list, names.join(';'), EMPTY_SHA256].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  let key: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const { host: _sentByFetch, ...sent } = headers
  const credential = `Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...sent, authorization: `AWS4-HMAC-SHA256 ${credential}` }
}

function encodePath(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
