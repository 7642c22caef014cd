import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ending } from './_daemon.ts'

export interface Recorder {
  /** What functions call, with a query; they need egress to 127.0.0.0/8. */
  readonly url: string
  /** The queries so far, in the order in which they came. */
  readonly heard: readonly URLSearchParams[]
  /** Waits for one that is looked for. */
  until(is: (query: URLSearchParams) => boolean): Promise<void>
}

/** Where functions say that they began, whatever becomes of their node. */
export async function recorder(t: Ending): Promise<Recorder> {
  const heard: URLSearchParams[] = []
  const server = createServer((request, response) => {
    heard.push(new URL(request.url ?? '', 'http://any').searchParams)
    server.emit('heard')
    response.end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    heard,
    async until(is) {
      while (!heard.some(is)) await once(server, 'heard')
    }
  }
}
