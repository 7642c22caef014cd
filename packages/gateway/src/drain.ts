import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@peerless/interface'
import { type FlatHeaders, send } from './http-answer.ts'
import { hasNoBody, isHeldBack } from './http-body.ts'
import type { GatewayLimits } from './limits.ts'

/** How connections end: with `connection: close` while the gateway drains, and gently when a body was refused half read. */
export class Drain {
  #draining = false
  readonly #endless = new Set<() => void>()
  readonly #clock: Clock
  readonly #limits: GatewayLimits

  constructor(clock: Clock, limits: GatewayLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get draining(): boolean {
    return this.#draining
  }

  /** From now on connections are not kept, and what would never end by itself is stopped. */
  begin(): void {
    this.#draining = true
    for (const stop of this.#endless) stop()
  }

  /** Called when draining begins, for an answer that goes on for ever. Returns a function that takes it back. */
  onBegin(stop: () => void): () => void {
    this.#endless.add(stop)
    return () => this.#endless.delete(stop)
  }

  mark(headers: FlatHeaders): void {
    if (this.#draining) headers.push('connection', 'close')
  }

  /**
   * An answer that may come before the request's body was read. A socket closed with bytes unread is reset, and the client may never
   * see why: so the rest is swallowed, up to a bound, before the connection ends.
   */
  refuse(request: IncomingMessage, response: ServerResponse, status: number, headers: FlatHeaders, body: string): void {
    if (response.destroyed || response.headersSent) return
    if (hasNoBody(request) || request.complete || request.destroyed) {
      this.mark(headers)
      send(response, status, headers, body)
    } else if (isHeldBack(request)) {
      // The client may send its body all the same, so this connection is of no further use.
      headers.push('connection', 'close')
      send(response, status, headers, body)
    } else {
      headers.push('connection', 'close', 'content-length', String(Buffer.byteLength(body)))
      response.writeHead(status, headers)
      response.write(body)
      this.#swallowRest(request, () => response.end())
    }
  }

  #swallowRest(request: IncomingMessage, done: () => void): void {
    let left = this.#limits.lingerBytesMax
    const finish = () => {
      timer.cancel()
      request.off('data', swallow).off('end', finish).off('close', finish)
      done()
    }
    const swallow = (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) finish()
    }
    const timer = this.#clock.after(this.#limits.lingerMs, finish)
    request.on('data', swallow).on('end', finish).on('close', finish)
    request.on('error', () => undefined)
    request.resume()
  }
}
