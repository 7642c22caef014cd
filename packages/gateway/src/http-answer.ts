import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { PeerlessError } from '@peerless/interface'
import { ANSWER_STALL_MS_MAX } from './limits.ts'

/** A field name (RFC 9110, section 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Header names and values in turn, as `writeHead` takes them. */
export type FlatHeaders = string[]

/**
 * Up to this size a body of bytes is handed over as latin1 text: Node then joins it with the head and makes one plain write where
 * bytes take a gathering one. That is a quarter of the CPU of a warm call; above it copying costs more than it saves.
 */
export const JOINED_BYTES_MAX = 16_384

/** Sends a complete answer with its length. Statuses without a body get none. */
export function send(response: ServerResponse, status: number, headers: FlatHeaders, body: string | Uint8Array): void {
  if (response.destroyed || response.headersSent) return
  if (status === 204 || status === 304) {
    response.writeHead(status, headers)
    response.end()
    return
  }
  headers.push('content-length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length))
  response.writeHead(status, headers)
  // Node itself leaves the body away when the request was HEAD.
  if (typeof body === 'string' || body.length > JOINED_BYTES_MAX) response.end(body)
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
  boundStall(response)
}

/**
 * After the end of an answer was written: a client that takes nothing of what is left of it loses its connection. What is answered behind another on the same
 * connection, which its client need not read either, is written when that one is through.
 */
export function boundStall(response: ServerResponse): void {
  const { socket } = response
  if (socket === null) response.once('socket', (own: Socket) => holdToStall(response, own))
  else if (response.writableLength > 0) holdToStall(response, socket)
}

function holdToStall(response: ServerResponse, socket: Socket): void {
  socket.setTimeout(ANSWER_STALL_MS_MAX)
  // The next call on the connection has a time of its own; where there is none, Node sets one after this.
  response.prependOnceListener('finish', () => socket.setTimeout(0))
}

/** Whole seconds for `Retry-After`, at least one; undefined when the error names no time. */
export function retryAfterSeconds(error: PeerlessError): string | undefined {
  const alleged = error.detail?.retryAfterMs
  if (typeof alleged === 'number' && Number.isFinite(alleged))
    return String(Math.min(3_600, Math.max(1, Math.ceil(alleged / 1_000))))
  return error.status === 503 || error.status === 429 ? '1' : undefined
}

/** Headers of an answer to an HTTP request for a function that failed before the function answered. */
export function refusalHeaders(requestId: string, error: PeerlessError): FlatHeaders {
  const headers: FlatHeaders = ['x-amzn-requestid', requestId, 'content-type', 'application/json']
  if ('awsCode' in error) headers.push('x-amzn-errortype', String(error.awsCode))
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) headers.push('retry-after', retryAfter)
  return headers
}

/** Its body: `reason` where the code has several, as which limit was reached. */
export function refusalBody({ code, message, detail }: PeerlessError): string {
  return JSON.stringify({ code, message, ...(typeof detail?.reason === 'string' ? { reason: detail.reason } : {}) })
}

/** What may be said of anything that was thrown: itself when it is a PeerlessError of others' making, else INTERNAL without its text. */
export function presentable(error: unknown): PeerlessError {
  if (error instanceof PeerlessError && error.code !== 'INTERNAL' && error.code !== 'CORRUPT') return error
  const code = error instanceof PeerlessError ? error.code : 'INTERNAL'
  return new PeerlessError(code, 'this node failed to handle the request; its log has the details under the request id', {
    cause: error
  })
}
