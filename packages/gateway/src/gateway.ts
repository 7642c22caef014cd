import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import { PeerlessError } from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import { CodeUrls } from './code-url.ts'
import { Drain } from './drain.ts'
import { FirstFront, isForRecords } from './first-front.ts'
import { FunctionUrls, functionOfHost } from './function-url.ts'
import { BodyBudget, continueLater } from './http-body.ts'
import { isWebSocket, MalformedRefusals, refuseConnect, refuseUpgrade } from './http-refusals.ts'
import { toOriginForm } from './http-url.ts'
import { registerInstanceMetrics } from './instance-metrics.ts'
import { isLambdaPath, LambdaApi } from './lambda-api.ts'
import { registerLatencyMetrics } from './latency-metrics.ts'
import { GATEWAY_LIMITS } from './limits.ts'
import { registerMemoryMetrics } from './memory-metrics.ts'
import { MeshApi } from './mesh-api.ts'
import { registerLedgerMetrics, registerPeerMetrics } from './mesh-metrics.ts'
import { GatewayMetrics } from './metrics.ts'
import { OperationsPages } from './operations-pages.ts'
import type { Gateway, GatewayContext, GatewayOptions } from './options.ts'
import { isForOtherService, OtherServices } from './other-services.ts'
import { PlainApi } from './plain-api.ts'
import { PlainCalls } from './plain-calls.ts'
import { PlainFront } from './plain-front.ts'
import { registerQueueMetrics } from './queue-metrics.ts'
import { RefusalLog } from './refusal-log.ts'
import { Routes } from './routes.ts'
import { Sigv4Verifier } from './sigv4.ts'

const ANSWERED = Promise.resolve()

/**
 * The HTTP front of a node: Lambda API, function URLs, mesh API, health and metrics on one port.
 * @param options the ports it works with; everything that decides where something runs is behind `invoker`
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

class HttpGateway implements Gateway {
  readonly #context: GatewayContext
  readonly #server: Server
  /** For the other fronts of the machine. */
  readonly #aside: Server
  readonly #first: FirstFront | undefined
  readonly #front: PlainFront
  readonly #drain: Drain
  readonly #functionUrls: FunctionUrls
  readonly #lambdaApi: LambdaApi
  readonly #meshApi: MeshApi
  readonly #otherServices: OtherServices
  readonly #routes: Routes
  readonly #pages: OperationsPages
  readonly #malformed = new MalformedRefusals()
  #closed: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    const { limits, metrics: handed, ...rest } = options
    const context: GatewayContext = { ...rest, limits: { ...GATEWAY_LIMITS, ...limits } }
    const metrics = new GatewayMetrics(handed?.registry)
    const { asyncInvoker } = context
    registerInstanceMetrics(metrics.registry, () => context.mesh.node())
    registerMemoryMetrics(metrics.registry, () => context.mesh.node().memory)
    registerLatencyMetrics(metrics.registry, () => context.mesh.latency?.() ?? [])
    if (asyncInvoker !== undefined) registerQueueMetrics(metrics.registry, () => asyncInvoker.stats())
    registerPeerMetrics(metrics.registry, () => context.mesh.peers())
    registerLedgerMetrics(metrics.registry, () => context.ledger.stats())
    const drain = new Drain(context.clock, context.limits)
    const verifier = new Sigv4Verifier(context.keys, context.clock)
    const budget = new BodyBudget(context.limits.bodyBytesHeldMax)
    const refusals = new RefusalLog(context.clock, context.logger)
    const parts: ApiParts = { context, verifier, metrics, budget, drain, refusals }
    const codeUrls = new CodeUrls(context.random, context.clock, context.limits.codeUrlMs)
    this.#context = context
    this.#drain = drain
    this.#functionUrls = new FunctionUrls(parts)
    this.#lambdaApi = new LambdaApi(parts, codeUrls)
    this.#meshApi = new MeshApi(parts, codeUrls)
    this.#otherServices = new OtherServices(parts)
    this.#routes = new Routes(parts)
    this.#pages = new OperationsPages(context, metrics, drain, handed?.page ?? (() => metrics.registry.metrics()))
    this.#server = this.#serverOf(context)
    this.#front = this.#frontOf(this.#server, parts)
    this.#aside = this.#serverOf(context)
    this.#first = context.firstFrontPort === undefined ? undefined : new FirstFront(context.firstFrontPort, drain, context.logger)
  }

  #serverOf({ limits }: GatewayContext): Server {
    const server = process.getBuiltinModule('node:http').createServer(
      {
        maxHeaderSize: limits.headerBytesMax,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        connectionsCheckingInterval: limits.checkTimeoutsMs,
        keepAliveTimeout: limits.keepAliveMs,
        shouldUpgradeCallback: isWebSocket
      },
      (request, response) => this.#take(request, response)
    )
    server.maxConnections = limits.connectionsMax
    // Bounded by headerBytesMax; Node's own limit would leave out what is beyond it without a word.
    server.maxHeadersCount = 0
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#malformed.refuse(error, socket))
    server.on('upgrade', refuseUpgrade).on('connect', refuseConnect)
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      // Only when the body is wanted is the client told to send it.
      continueLater(request, () => response.writeContinue())
      this.#take(request, response)
    })
    return server
  }

  /** Puts the plain front before Node's server: it listens and counts connections as ever, but sees only those that are handed over. */
  #frontOf(server: Server, parts: ApiParts): PlainFront {
    const calls = new PlainCalls(parts, this.#functionUrls, this.#routes)
    const api = new PlainApi(parts, this.#lambdaApi, this.#routes)
    const takeOver = server.listeners('connection') as ((socket: Socket) => void)[]
    const front = new PlainFront({
      clock: this.#context.clock,
      limits: this.#context.limits,
      take: (request, reply) =>
        request.method === 'GET' || request.url.startsWith('/fn/') ? calls.take(request, reply) : api.take(request, reply),
      expect: (request, reply) => (request.url.startsWith('/fn/') ? calls.expect(request, reply) : api.expect(request, reply)),
      budget: parts.budget,
      handOver: (socket) => {
        for (const listener of takeOver) listener.call(server, socket)
      }
    })
    server.removeAllListeners('connection')
    server.on('connection', (socket) => front.accept(socket))
    return front
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#malformed.note(request, response)
    this.handle(request, response)
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const isWhole = toOriginForm(request)
    const url = request.url ?? '/'
    const name = functionOfHost(request.headers.host)
    if (!isWhole) this.#answer(response, this.#pages.handle(request, response, url))
    else if (name !== undefined) this.#functionUrls.handleHost(request, response, name, url)
    else if (this.#routes.handleHost(request, response, url)) return
    else if (url.startsWith('/fn/')) this.#functionUrls.handlePath(request, response, url)
    else this.#answer(response, this.#handleRest(request, response, url))
  }

  #answer(response: ServerResponse, handled: Promise<void>): void {
    handled.catch((error) => {
      // Each of them words its own errors; what arrives here failed while it did so.
      this.#context.logger.error('request handler failed', { error: String(error), stack: (error as Error)?.stack })
      response.destroy()
    })
  }

  #handleRest(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    if (this.#routes.handlePath(request, response, url)) return ANSWERED
    if (this.#first !== undefined && isForRecords(url)) return this.#first.handle(request, response)
    if (isLambdaPath(url)) return this.#lambdaApi.handle(request, response, url)
    if (url.startsWith('/v1/')) return this.#meshApi.handle(request, response, url)
    if (isForOtherService(request)) return this.#otherServices.handle(request, response, url)
    return this.#pages.handle(request, response, url)
  }

  async listen(host: string, port: number, shared = false): Promise<{ host: string; port: number }> {
    return await this.#listen(this.#server, { host, port, backlog: 1_024, reusePort: shared })
  }

  async listenAside(): Promise<number> {
    return (await this.#listen(this.#aside, { host: '127.0.0.1', port: 0 })).port
  }

  async #listen(server: Server, options: ListenOptions): Promise<{ host: string; port: number }> {
    if (this.#closed !== undefined) throw new PeerlessError('UNAVAILABLE', 'this gateway was closed')
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', (error) => this.#context.logger.error('HTTP server failed', { error: String(error) }))
    const address = server.address() as AddressInfo
    return { host: address.address, port: address.port }
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#drain.begin()
      this.#front.close()
      this.#routes.close()
      this.#functionUrls.close()
      const timer = this.#context.clock.after(graceMs, () => {
        this.#server.closeAllConnections()
        this.#aside.closeAllConnections()
        this.#front.destroy()
      })
      const ended = [this.#server, this.#aside].map(endOf)
      Promise.all(ended).then(() => {
        timer.cancel()
        resolve()
      })
    })
    return this.#closed
  }
}

function endOf(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve())
    else resolve()
  })
}
