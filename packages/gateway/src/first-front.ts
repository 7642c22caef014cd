import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { PLAIN_STYLE } from './api-call.ts'
import type { Drain } from './drain.ts'
import { boundStall, presentable } from './http-answer.ts'
import { proceed } from './http-body.ts'
import { isLambdaPath } from './lambda-api.ts'

/** What belongs to one connection and not to the message (RFC 9110, section 7.6.1); `expect` was answered here. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'expect'])
/** The client's version of HTTP decides how its answer is framed. */
const OF_FRAMING = 'transfer-encoding'
const INVOCATION = /^\/\d{4}-\d{2}-\d{2}\/functions\/[^/?]+\/(?:invocations|invoke-async|response-streaming-invocations)\b/

/** True for what reads or changes the mesh's records: the Lambda API but for its invocations, and the mesh's own. */
export function isForRecords(url: string): boolean {
  return url.startsWith('/v1/') || (isLambdaPath(url) && !INVOCATION.test(url))
}

/**
 * The way to the first front of the machine, for what reads or changes records. Two nodes that change one function at once would each change what it has, and
 * the later would win whole: through one node the changes follow one another. So do reads, and what one node has in its memory alone, as links to code.
 */
export class FirstFront {
  readonly #port: number
  readonly #drain: Drain
  readonly #logger: Logger

  /** @param port of loopback, where the first front's gateway listens aside */
  constructor(port: number, drain: Drain, logger: Logger) {
    this.#port = port
    this.#drain = drain
    this.#logger = logger
  }

  /** Passes a request on as it came, and its answer back. Resolves when the answer is over. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const onward = process.getBuiltinModule('node:http').request({
        host: '127.0.0.1',
        port: this.#port,
        method: request.method,
        path: request.url,
        headers: kept(request.rawHeaders),
        // A connection that the other end is about to close would lose a request that may not be sent twice.
        agent: false
      })
      let answered = false
      onward.once('response', (answer) => {
        answered = true
        const headers = kept(answer.rawHeaders, OF_FRAMING)
        this.#drain.mark(headers)
        response.sendDate = false
        response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
        answer.once('end', () => boundStall(response))
        answer.once('error', () => response.destroy())
        answer.pipe(response)
      })
      // One that answers before it has read all may reset what is still sent; its answer has its own end.
      onward.on('error', (error) => {
        if (!answered) this.#failed(request, response, error)
      })
      response.once('close', () => {
        onward.destroy()
        resolve()
      })
      proceed(request)
      request.pipe(onward)
    })
  }

  #failed(request: IncomingMessage, response: ServerResponse, error: Error): void {
    if (response.destroyed) return
    this.#logger.error('the first front did not answer', { reason: messageOf(error) })
    const told = presentable(new PeerlessError('UNAVAILABLE', 'the first front of this machine does not answer; try again'))
    this.#drain.refuse(request, response, told.status, PLAIN_STYLE.headers(told), PLAIN_STYLE.body(told))
  }
}

/** Raw headers without those of the connection. */
function kept(rawHeaders: readonly string[], without?: string): string[] {
  const headers: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    const lower = name.toLowerCase()
    if (lower !== without && !HOP_BY_HOP.has(lower)) headers.push(name, rawHeaders[index + 1] as string)
  }
  return headers
}
