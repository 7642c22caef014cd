import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Stored {
  bytes: Buffer
  headers: Record<string, string>
}

/** As much of S3, path style, as its client needs to put, get, list and delete. */
export async function startS3(): Promise<{ url: string; stop(): Promise<void> }> {
  const buckets = new Map<string, Map<string, Stored>>()
  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://s3')
    const [, bucket = '', ...rest] = pathname.split('/').map(decodeURIComponent)
    const key = rest.join('/')
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const objects = buckets.get(bucket)
    const send = (status: number, body: string | Buffer = '', headers: Record<string, string> = {}) => {
      response
        .writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers })
        .end(request.method === 'HEAD' ? undefined : body)
    }
    const missing = (code: string) =>
      send(404, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>not there</Message></Error>`, {
        'content-type': 'application/xml'
      })
    if (request.method === 'PUT' && key === '') {
      buckets.set(bucket, objects ?? new Map())
      return send(200)
    }
    if (objects === undefined) return missing('NoSuchBucket')
    if (request.method === 'PUT') {
      const bytes = unchunked(Buffer.concat(parts), request.headers['content-encoding'] ?? '')
      const kept = Object.entries(request.headers).filter(([name]) => name === 'content-type' || name.startsWith('x-amz-meta-'))
      objects.set(key, { bytes, headers: Object.fromEntries(kept) as Record<string, string> })
      return send(200, '', { etag: etagOf(bytes) })
    }
    if (key === '') {
      const contents = [...objects].map(
        ([name, { bytes }]) => `<Contents><Key>${name}</Key><Size>${bytes.length}</Size></Contents>`
      )
      return send(
        200,
        `<?xml version="1.0"?><ListBucketResult><KeyCount>${contents.length}</KeyCount>${contents.join('')}</ListBucketResult>`,
        { 'content-type': 'application/xml' }
      )
    }
    const found = objects.get(key)
    if (found === undefined) return missing('NoSuchKey')
    if (request.method === 'DELETE') {
      objects.delete(key)
      return send(204)
    }
    return send(200, found.bytes, { ...found.headers, etag: etagOf(found.bytes), 'content-length': String(found.bytes.length) })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      })
  }
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** aws-chunked bodies: size in hex, extensions, line break, data. */
function unchunked(body: Buffer, encoding: string): Buffer {
  if (!encoding.includes('aws-chunked')) return body
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, end).toString(), 16)
    if (!(size > 0)) break
    parts.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return Buffer.concat(parts)
}
