import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface NodeRead {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly rawHeaders: string[]
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What Node's own parser makes of the bytes: the requests, or undefined when it refuses them. */
export async function nodeReads(bytes: Buffer): Promise<NodeRead[] | undefined> {
  const requests: NodeRead[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, rawHeaders, headers } = request
      requests.push({ method, url, rawHeaders, headers, body: Buffer.concat(chunks) })
      response.end()
    })
  })
  let refused = false
  server.on('clientError', (_error, socket: Socket) => {
    refused = true
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  socket.end(bytes)
  await once(socket, 'close')
  server.close()
  return refused ? undefined : requests
}
