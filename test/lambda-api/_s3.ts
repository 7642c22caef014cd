import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ending } from '../_daemon.ts'

/** As much of S3 as code is read with: path-style GET of objects, and its errors. Says which requests were signed. */
export async function bucketServer(
  t: Ending,
  objects: ReadonlyMap<string, Uint8Array>
): Promise<{ url: string; signed: string[] }> {
  const signed: string[] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    if (request.headers.authorization?.includes('/s3/aws4_request')) signed.push(path)
    const found = objects.get(path)
    if (request.method === 'GET' && found !== undefined) return response.writeHead(200).end(found)
    const known = [...objects.keys()].some((key) => key.startsWith(`/${path.split('/')[1]}/`))
    const [code, text] = known
      ? ['NoSuchKey', 'The specified key does not exist.']
      : ['NoSuchBucket', 'The specified bucket does not exist']
    return response.writeHead(404).end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, signed }
}
