import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import type { ExecutionContext } from 'ava'

export interface Received {
  method: string
  path: string
  query: Record<string, string>
  headers: IncomingMessage['headers']
  body: Buffer
  signed: boolean
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  json?: unknown
  body?: string | Buffer
  /** Takes the answer over. */
  stream?: (response: ServerResponse) => void
}

export type Routes = Record<string, Reply | ((received: Received) => Reply)>

export interface FakeNode {
  origin: string
  received: Received[]
  /** A data folder whose daemon.json points here. */
  data: string
}

export const KEY = { accessKeyId: 'AKTEST', secretAccessKey: "s3cr3t/with'quote" }
export const REGION = 'eu-test-1'

/** Answers `METHOD /path` by the table, and checks every signature with AWS's own signer. Only for what the client shows and sends. */
export async function startFakeNode(t: ExecutionContext, routes: Routes): Promise<FakeNode> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const url = new URL(request.url ?? '/', 'http://x')
    const call: Received = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: Buffer.concat(chunks),
      signed: false
    }
    call.signed = await isSigned(call)
    received.push(call)
    const route = routes[`${call.method} ${call.path}`]
    const reply =
      typeof route === 'function' ? route(call) : (route ?? { status: 404, json: { Message: `no route ${call.path}` } })
    response.writeHead(reply.status ?? 200, reply.headers ?? {})
    if (reply.stream !== undefined) reply.stream(response)
    else response.end(reply.body ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, received, data: await dataFolder(t, { http: origin, pid: process.pid, peerId: 'p', region: REGION, ...KEY }) }
}

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-cli-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A data folder with this daemon.json. */
export async function dataFolder(t: ExecutionContext, daemon: unknown): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'daemon.json'), typeof daemon === 'string' ? daemon : JSON.stringify(daemon), { mode: 0o600 })
  return folder
}

async function isSigned({ method, path, query, headers, body }: Received): Promise<boolean> {
  if (headers.authorization === undefined) return false
  const date = String(headers['x-amz-date'])
  const names = /SignedHeaders=([^,]+)/.exec(String(headers.authorization))?.[1]?.split(';') ?? []
  const signed = await oracle().sign(
    {
      method,
      protocol: 'http:',
      hostname: 'unused',
      path,
      query,
      headers: Object.fromEntries(names.filter((name) => name !== 'x-amz-date').map((name) => [name, String(headers[name])])),
      body
    },
    { signingDate: parseStamp(date), signableHeaders: new Set(names) }
  )
  const bodyHash = createHash('sha256').update(body).digest('hex')
  return signed.headers.authorization === headers.authorization && headers['x-amz-content-sha256'] === bodyHash
}

/** AWS's own signer. */
export function oracle(credentials = KEY, region = REGION): SignatureV4 {
  return new SignatureV4({ service: 'lambda', region, credentials, sha256: Sha256 })
}

function parseStamp(stamp: string): Date {
  return new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** The hash class that smithy's signer wants, over node:crypto. */
class Sha256 {
  #hash: { update(bytes: Uint8Array): unknown; digest(): Buffer }

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a hash is used once here')
  }
}
