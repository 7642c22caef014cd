import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createRawServer } from 'node:net'
import type { EgressFailure, EgressHead, EgressOrder } from '@peerless/interface'
import { realClock } from '@peerless/testing'
import type { ExecutionContext } from 'ava'
import { createEgress, type EgressOptions, type EgressService } from '../src/index.ts'

export function open(t: ExecutionContext, options: Partial<EgressOptions> = {}): EgressService {
  const egress = createEgress({
    clock: realClock,
    allow: ['127.0.0.1/32'],
    own: { addresses: () => [], ports: () => [] },
    lookup: async () => ['127.0.0.1'],
    ...options
  })
  t.teardown(() => egress.stop())
  return egress
}

export async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1'
): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Whatever bytes a server may send. */
export async function serveRaw(t: ExecutionContext, answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

export interface Result {
  head: EgressHead | undefined
  body: string
  failure: EgressFailure | undefined
}

export function order(url: string, more: Partial<EgressOrder> = {}): EgressOrder {
  return {
    account: 'acme',
    functionName: 'fn',
    instance: 'i1',
    hosts: undefined,
    method: 'GET',
    url,
    headers: [],
    redirect: 'follow',
    bodyBytes: 0,
    body: new Uint8Array(0),
    bodyEnded: true,
    timeoutMs: 10_000,
    ...more
  }
}

/** The whole exchange; the body is credited as it comes. */
export function ask(egress: EgressService, asked: EgressOrder): Promise<Result> {
  return new Promise((resolve) => {
    let head: EgressHead | undefined
    const parts: Uint8Array[] = []
    const done = (failure?: EgressFailure) => resolve({ head, body: Buffer.concat(parts).toString(), failure })
    const exchange = egress.open(asked, {
      head: (value) => {
        head = value
      },
      data: (bytes, ended) => {
        parts.push(Buffer.from(bytes))
        if (ended) done()
        else if (bytes.length > 0) exchange.credit(bytes.length)
      },
      pull: () => undefined,
      failed: done
    })
  })
}
