/** What the platform is measured against at the bottom: a plain node:http server that does hello's work itself. Prints its port. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  const url = request.url ?? '/'
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  const body = `Hello, ${query.get('name') ?? 'world'}!\n`
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
