import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** What has no request and response to be answered with: refused on the socket itself, and the connection ends. */

/** Statuses for what Node's parser refuses (llhttp error codes); everything else is 400. */
const PARSER_STATUSES: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = PARSER_STATUSES[error.code ?? ''] ?? '400 Bad Request'
  refuse(socket, status, 'INVALID_ARGUMENT', `not an HTTP request that is taken here: ${status}`)
}

/** Other protocols that a client offers (h2c, say) are declined by going on with HTTP/1.1; a WebSocket can't go on so. */
export function isWebSocket(request: Pick<IncomingMessage, 'headers'>): boolean {
  return (request.headers.upgrade ?? '').split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket')
}

export function refuseUpgrade(_request: IncomingMessage, socket: Duplex): void {
  const message =
    'WebSocket connections are not taken here: functions answer requests; use HTTP, or a streamed answer (server-sent events)'
  refuse(socket, '501 Not Implemented', 'NOT_IMPLEMENTED', message)
}

export function refuseConnect(_request: IncomingMessage, socket: Duplex): void {
  refuse(socket, '405 Method Not Allowed', 'INVALID_ARGUMENT', 'this is no proxy: CONNECT is not taken here')
}

function refuse(socket: Duplex, status: string, code: string, message: string): void {
  // The client may be gone already; there is nobody to tell then.
  socket.on('error', () => undefined)
  const body = JSON.stringify({ code, message })
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}
