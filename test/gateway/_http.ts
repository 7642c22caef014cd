import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'

export interface Reply {
  status: number
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: Buffer
  text: string
  json: () => unknown
  trailers: Record<string, string | undefined>
  /** The answer was cut before its end. */
  cut: boolean
}

export interface Ask {
  method?: string
  path?: string
  headers?: Record<string, string | string[]> | string[]
  body?: string | Uint8Array
  /** Called with each piece of the body as it comes. */
  onData?: (piece: Buffer, response: IncomingMessage, outgoing: ClientRequest) => void
}

/** One request with node:http, the path sent as it is written. */
export function ask(base: string, options: Ask = {}): Promise<Reply> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        method: options.method ?? 'GET',
        path: options.path ?? '/',
        headers: options.headers ?? {},
        agent: false
      },
      (response) => {
        const pieces: Buffer[] = []
        const end = (cut: boolean) => {
          const body = Buffer.concat(pieces)
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body,
            text: body.toString(),
            json: () => JSON.parse(body.toString()),
            trailers: response.trailers,
            cut
          })
        }
        response.on('data', (piece: Buffer) => {
          pieces.push(piece)
          options.onData?.(piece, response, outgoing)
        })
        response.once('end', () => end(false))
        response.once('error', () => end(true))
      }
    )
    outgoing.once('error', reject)
    outgoing.end(options.body)
  })
}

/** Sends bytes as they are and gives back all that comes until the other side closes. */
export function raw(base: string, bytes: string | Buffer | (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      received += piece
    })
    socket.once('close', () => resolve(received))
    socket.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(received) : reject(error)))
    for (const piece of Array.isArray(bytes) ? bytes : [bytes]) socket.write(piece, 'latin1')
  })
}
