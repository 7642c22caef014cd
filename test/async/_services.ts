import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Ending } from '../_daemon.ts'

export const KEYS = { accessKeyId: 'AKIDRECEIVER', secretAccessKey: 'a-secret-of-the-operator' }

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
  /** `REGION/SERVICE` that it was signed for, once the signature was found to be right. */
  readonly scope: string
}

/** A server that takes what SQS, SNS, Kinesis, EventBridge and S3 take, and checks every signature with AWS's own signer. */
export async function serviceServer(t: Ending, refusals = 0): Promise<{ url: string; received: Received[]; refused: number[] }> {
  const received: Received[] = []
  const refused: number[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const scope = await scopeOf(request, body)
    if (scope === undefined) {
      refused.push(403)
      return response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code><Message>wrong signature</Message></Error>')
    }
    if (refused.length < refusals) {
      refused.push(503)
      return response.writeHead(503, { 'content-type': 'application/x-amz-json-1.0' }).end('{"__type":"ServiceUnavailable"}')
    }
    received.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers as Record<string, string>,
      body: body.toString(),
      scope
    })
    return response.writeHead(200).end(answerOf(request))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, refused }
}

function answerOf(request: IncomingMessage): string {
  const target = request.headers['x-amz-target']
  if (target === 'AWSEvents.PutEvents') return '{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}'
  if (target === 'Kinesis_20131202.PutRecord') return '{"ShardId":"shardId-000000000000","SequenceNumber":"1"}'
  return '{}'
}

/** Signs the same request again and compares. */
async function scopeOf(request: IncomingMessage, body: Buffer): Promise<string | undefined> {
  const parsed =
    /Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})/.exec(
      request.headers.authorization ?? ''
    )
  if (parsed === null) return undefined
  const [, accessKeyId, , region = '', service = '', signed = '', signature] = parsed
  if (accessKeyId !== KEYS.accessKeyId) return undefined
  if (request.headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) return undefined
  const names = signed.split(';')
  if (!names.includes('host') || !names.includes('x-amz-date')) return undefined
  const date = String(request.headers['x-amz-date'])
  const at = new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
  const signer = new SignatureV4({ service, region, credentials: KEYS, sha256: Sha256, uriEscapePath: service !== 's3' })
  const again = await signer.sign(
    {
      method: request.method ?? '',
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      body
    },
    { signingDate: at, signableHeaders: new Set(names), unsignableHeaders: new Set() }
  )
  return again.headers.authorization?.endsWith(`Signature=${signature}`) === true ? `${region}/${service}` : undefined
}

/** As AWS's signer wants a hash. */
class Sha256 {
  #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>
  readonly #secret: string | Uint8Array | undefined

  constructor(secret?: unknown) {
    this.#secret = secret as string | Uint8Array | undefined
    this.#hash = this.#fresh()
  }

  update(data: unknown): void {
    this.#hash.update(typeof data === 'string' ? data : Buffer.from(data as Uint8Array))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#fresh()
  }

  #fresh() {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}
