import { createHash, createHmac } from 'node:crypto'

/** Keys as every AWS client takes them. Without id and secret requests go unsigned. */
export interface AwsAccess {
  readonly accessKeyId: string | undefined
  readonly secretAccessKey: string | undefined
  readonly sessionToken: string | undefined
  /** Where a request's own place names none. */
  readonly region: string
}

export interface RequestToSign {
  readonly method: string
  /** `host[:port]` as the client will send it. */
  readonly host: string
  /** Percent-encoded as it is sent. */
  readonly path: string
  /** Encoded and sorted, without `?`. */
  readonly query: string
  /** Further headers, names in lower case, all of them signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** As the signature's scope has it: `s3`, `sqs`, … */
  readonly service: string
  readonly region: string
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * AWS Signature Version 4 (AWS documentation: "Create a signed AWS API request"). The path is signed as it is sent, as S3 has it; to other services
 * it must be one that a second encoding leaves alone, such as `/`.
 *
 * @returns the headers to send: the given ones and those of the signature, `host` left out
 */
export function signedHeaders(access: AwsAccess, request: RequestToSign): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = access
  if (accessKeyId === undefined || secretAccessKey === undefined) return { ...request.headers }
  const stamp = new Date(request.now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = stamp.slice(0, 8)
  const bodyHash = createHash('sha256').update(request.body).digest('hex')
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': stamp,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken })
  }
  const names = Object.keys(headers).sort()
  const list = names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/\s+/g, ' ')}\n`).join('')
  const canonical = [request.method, request.path, request.query, list, names.join(';'), bodyHash].join('\n')
  const scope = `${day}/${request.region}/${request.service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  let key: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of [day, request.region, request.service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const { host: _sentByFetch, ...sent } = headers
  const credential = `Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...sent, authorization: `AWS4-HMAC-SHA256 ${credential}` }
}
