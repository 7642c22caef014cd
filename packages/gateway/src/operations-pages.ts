import type { IncomingMessage, ServerResponse } from 'node:http'
import { PeerlessError } from '@peerless/interface'
import { PLAIN_STYLE } from './api-call.ts'
import type { Drain } from './drain.ts'
import { presentable, send } from './http-answer.ts'
import { type GatewayMetrics, ROUTE } from './metrics.ts'
import type { GatewayContext } from './options.ts'

const HINT =
  'paths here are /fn/NAME/… (function URLs), /2015-03-31/functions/… (Lambda API), /v1/… (mesh API), /healthz, /readyz and /metrics'

/** Liveness, readiness, metrics, and the answer to everything that is at no known path. No authentication. */
export class OperationsPages {
  readonly #context: GatewayContext
  readonly #metrics: GatewayMetrics
  readonly #drain: Drain
  readonly #metricsPage: () => Promise<string>

  constructor(context: GatewayContext, metrics: GatewayMetrics, drain: Drain, metricsPage: () => Promise<string>) {
    this.#context = context
    this.#metrics = metrics
    this.#drain = drain
    this.#metricsPage = metricsPage
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const startedAt = this.#context.clock.monotonic()
    this.#metrics.started()
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const page = this.#page(path)
    try {
      if (page === undefined) throw new PeerlessError('NOT_FOUND', `there is nothing at '${path.slice(0, 200)}'; ${HINT}`)
      if (request.method !== 'GET' && request.method !== 'HEAD')
        throw new PeerlessError('INVALID_ARGUMENT', `${path} takes GET and HEAD, got ${request.method}`)
      const { status, type, body } = await page()
      const headers = ['content-type', type]
      this.#drain.mark(headers)
      send(response, status, headers, body)
    } catch (thrown) {
      const error = presentable(thrown)
      this.#drain.refuse(request, response, error.status, PLAIN_STYLE.headers(error), PLAIN_STYLE.body(error))
    } finally {
      const route = page === undefined ? ROUTE.OTHER : ROUTE.OPERATIONS
      this.#metrics.answered(route, response.statusCode, this.#context.clock.monotonic() - startedAt)
    }
  }

  #page(path: string): (() => Promise<{ status: number; type: string; body: string }>) | undefined {
    if (path === '/healthz') return async () => ({ status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' })
    if (path === '/readyz') return async () => this.#ready()
    if (path === '/metrics')
      return async () => ({
        status: 200,
        type: this.#metrics.registry.contentType,
        body: await this.#metricsPage()
      })
    return undefined
  }

  #ready(): { status: number; type: string; body: string } {
    const reason = this.#drain.draining ? 'this node is draining' : this.#context.mesh.unready()
    if (reason === undefined) return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' }
    return { status: 503, type: 'application/json', body: JSON.stringify({ code: 'UNAVAILABLE', message: reason }) }
  }
}
