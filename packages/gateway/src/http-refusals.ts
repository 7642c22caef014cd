import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What has no request and response to be answered with: refused on the socket itself, and the connection ends. */

/** Statuses for what Node's parser refuses (llhttp error codes); everything else is 400. */
const PARSER_STATUSES: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

/**
 * Refuses what Node's parser could not read, after the answers to the requests that came before it on the connection: written at once, the refusal would
 * stand for, or in the middle of, the answer to another.
 */
export class MalformedRefusals {
  /** The last request of each connection, its answer, and the one before that. */
  readonly #last = new WeakMap<
    Duplex,
    { request: IncomingMessage; response: ServerResponse; before: ServerResponse | undefined }
  >()
  readonly #refused = new WeakSet<Duplex>()

  /** A request was read. */
  note(request: IncomingMessage, response: ServerResponse): void {
    this.#last.set(request.socket, { request, response, before: this.#last.get(request.socket)?.response })
  }

  refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    // What follows on a connection that is refused already is not read.
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    const status = PARSER_STATUSES[error.code ?? ''] ?? '400 Bad Request'
    const say = () => refuse(socket, refusalText(status))
    const last = this.#last.get(socket)
    // What could not be read is the rest of the last request, or what follows it.
    const before = last?.request.complete === true ? last.response : last?.before
    if (before === undefined || before.closed) say()
    else {
      socket.pause()
      before.once('close', () => (socket.writable ? say() : socket.destroy()))
    }
  }
}

/** Other protocols that a client offers (h2c, say) are declined by going on with HTTP/1.1; a WebSocket can't go on so. */
export function isWebSocket(request: Pick<IncomingMessage, 'headers'>): boolean {
  return (request.headers.upgrade ?? '').split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket')
}

export function refuseUpgrade(_request: IncomingMessage, socket: Duplex): void {
  const message =
    'WebSocket connections are not taken here: functions answer requests; use HTTP, or a streamed answer (server-sent events)'
  refuse(socket, refusalText('501 Not Implemented', 'NOT_IMPLEMENTED', message))
}

export function refuseConnect(_request: IncomingMessage, socket: Duplex): void {
  refuse(socket, refusalText('405 Method Not Allowed', 'INVALID_ARGUMENT', 'this is no proxy: CONNECT is not taken here'))
}

/** The last answer of a connection: by default to what is no request that can be read. */
export function refusalText(
  status: string,
  code = 'INVALID_ARGUMENT',
  message = `not an HTTP request that is taken here: ${status}`
): string {
  const body = JSON.stringify({ code, message })
  return `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function refuse(socket: Duplex, answer: string): void {
  // The client may be gone already; there is nobody to tell then.
  socket.on('error', () => undefined)
  socket.end(answer)
}
