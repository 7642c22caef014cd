import { createHash, createHmac, hash } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import type { AccessKey } from '@peerless/interface'
import { SignatureV4 } from '@smithy/signature-v4'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  body: Buffer
  text: string
  json(): Record<string, unknown>
}

export interface Ask {
  method?: string
  path: string
  headers?: Record<string, string | string[]>
  body?: string | Uint8Array
}

/** One request over a connection of its own, the path exactly as given. */
export function ask(target: { host: string; port: number }, options: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', path, headers = {}, body } = options
    const request = httpRequest({ host: target.host, port: target.port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: bytes,
          text: bytes.toString('utf8'),
          json: () => JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
        })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Bytes as they are; everything that comes back until the other side closes. */
export function raw(target: { host: string; port: number }, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(target.port, target.host)
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
    socket.write(text, 'latin1')
  })
}

class Sha256 {
  #hash: ReturnType<typeof createHash>
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : (createHmac('sha256', secret as string) as unknown as ReturnType<typeof createHash>)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    this.#hash = createHash('sha256')
  }
}

export interface SignOptions {
  date: Date
  region?: string
  service?: string
  /** Leaves X-Amz-Content-Sha256 away, as the AWS CLI and curl do. */
  withoutHash?: boolean
}

type Target = { host: string; port: number }
type Signer = Pick<AccessKey, 'accessKeyId' | 'secretAccessKey'>

/** Signs with AWS's own implementation: the oracle of our verifier. */
export async function signed(target: Target, key: Signer, options: Ask, sign: SignOptions): Promise<Ask> {
  const made = await signerOf(key, sign).sign(unsigned(target, options), { signingDate: sign.date })
  return { ...options, method: made.method ?? 'GET', headers: made.headers }
}

/** The same in the query: a presigned URL. @param expiresIn seconds; undefined: the signer's default */
export async function presigned(
  target: Target,
  key: Signer,
  options: Ask,
  sign: SignOptions & { expiresIn?: number }
): Promise<Ask> {
  const { date: signingDate, expiresIn } = sign
  const made = await signerOf(key, sign).presign(unsigned(target, options), {
    signingDate,
    ...(expiresIn === undefined ? {} : { expiresIn })
  })
  const query = Object.entries(made.query ?? {}).flatMap(([name, value]) =>
    [value ?? ''].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`)
  )
  return { ...options, path: `${made.path}?${query.join('&')}`, headers: made.headers }
}

function signerOf(key: Signer, sign: SignOptions): SignatureV4 {
  return new SignatureV4({
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
    region: sign.region ?? 'us-east-1',
    service: sign.service ?? 'lambda',
    sha256: Sha256,
    applyChecksum: sign.withoutHash !== true
  })
}

function unsigned(target: Target, options: Ask): Parameters<SignatureV4['sign']>[0] {
  const { method = 'GET', path, body } = options
  const mark = path.indexOf('?')
  const query: Record<string, string | string[]> = {}
  if (mark >= 0) {
    for (const [name, value] of new URLSearchParams(path.slice(mark + 1))) {
      const before = query[name]
      query[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
    }
  }
  const headers: Record<string, string> = { host: `${target.host}:${target.port}` }
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value)
  return {
    method,
    protocol: 'http:',
    hostname: target.host,
    port: target.port,
    path: mark < 0 ? path : path.slice(0, mark),
    query,
    headers,
    body
  } as Parameters<SignatureV4['sign']>[0]
}

export function sha256Hex(text: string): string {
  return hash('sha256', text)
}
