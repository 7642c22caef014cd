import type { FetchObject } from '@peerless/gateway'
import { PeerlessError } from '@peerless/interface'
import { type AwsAccess, signedHeaders } from './aws-signature.ts'
import { responseBytes } from './response-bytes.ts'

/** Longest wait for a whole object: 50 MB over 10 Mbit/s take 42 s. */
const FETCH_MS_MAX = 60_000
/** An error document of S3 has a few hundred bytes. */
const ERROR_BYTES_MAX = 16_384
/** Objects of up to 50 MB each that are read at once, and requests that wait for one of these. */
export const OBJECTS_READ_MAX = 4
export const OBJECTS_WAITING_MAX = 256
const NOTHING = new Uint8Array(0)

export interface S3Access extends AwsAccess {
  /** Origin of any S3-compatible server; buckets are folders of it (path style). Without keys, for buckets that anyone may read. */
  readonly endpoint: string
}

/** Reads objects for code that is named by S3Bucket and S3Key. @throws TOO_LARGE; THROTTLED; INVALID_ARGUMENT with S3's reason */
export function s3Objects(access: S3Access, now: () => number): FetchObject {
  return fewAtOnce(async ({ bucket, key, version, bytesMax }) => {
    const path = `/${encodePath(bucket)}/${key.split('/').map(encodePath).join('/')}`
    const query = version === undefined ? '' : `versionId=${encodePath(version)}`
    const url = new URL(access.endpoint)
    const headers = signedHeaders(access, {
      method: 'GET',
      host: url.host,
      path,
      query,
      headers: {},
      body: NOTHING,
      service: 's3',
      region: access.region,
      now: now()
    })
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
    const what = `the object '${key.slice(0, 200)}'`
    if (response.status === 200) return await responseBytes(response, bytesMax, what)
    const text = Buffer.from(await responseBytes(response, ERROR_BYTES_MAX, what).catch(() => Buffer.alloc(0))).toString()
    const member = (name: string) => new RegExp(`<${name}>([^<]{0,500})</${name}>`).exec(text)?.[1]
    throw refused(member('Code') ?? `HTTP ${response.status}`, member('Message') ?? 'the server gave no reason')
  })
}

/** Whoever deploys may name as many large objects at once as there are connections. */
function fewAtOnce(fetchObject: FetchObject): FetchObject {
  let running = 0
  const waiting: (() => void)[] = []
  return async (order) => {
    if (running < OBJECTS_READ_MAX) running++
    else {
      if (waiting.length >= OBJECTS_WAITING_MAX)
        throw new PeerlessError(
          'THROTTLED',
          `${waiting.length} requests wait for objects of S3 at this node, at most ${OBJECTS_WAITING_MAX}; try again`
        )
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await fetchObject(order)
    } finally {
      // The place goes to who has waited longest.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/** In the words of Lambda. */
function refused(code: string, message: string, cause?: unknown): PeerlessError {
  return new PeerlessError(
    'INVALID_ARGUMENT',
    `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`,
    cause === undefined ? {} : { cause }
  )
}

function encodePath(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
