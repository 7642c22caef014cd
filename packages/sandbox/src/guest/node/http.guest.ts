import type * as NodeHttp from 'node:http'
import { makeClientRequest } from './http-client.guest.ts'

type Load = (id: string) => unknown
type Request = InstanceType<ReturnType<typeof makeClientRequest>>
type Listener = (response: NodeHttp.IncomingMessage) => void

interface Maker {
  request(url: unknown, options?: unknown, listener?: Listener): Request
  get(url: unknown, options?: unknown, listener?: Listener): Request
}

/** Taken as options of a client are given; connections are the egress broker's business. */
function makeAgent(load: Load, protocol: string): unknown {
  const EventEmitter = load('events') as new () => NodeJS.EventEmitter
  return class Agent extends EventEmitter {
    readonly options: Record<string, unknown>
    readonly protocol = protocol
    readonly defaultPort = protocol === 'https:' ? 443 : 80
    readonly requests = {}
    readonly sockets = {}
    readonly freeSockets = {}
    readonly keepAlive: boolean
    maxSockets: unknown
    maxFreeSockets: unknown
    maxTotalSockets: unknown

    constructor(options: Record<string, unknown> = {}) {
      super()
      this.options = { ...options }
      this.keepAlive = options.keepAlive === true
      this.maxSockets = options.maxSockets ?? Number.POSITIVE_INFINITY
      this.maxFreeSockets = options.maxFreeSockets ?? 256
      this.maxTotalSockets = options.maxTotalSockets ?? Number.POSITIVE_INFINITY
    }

    getName(options: { host?: string; port?: number } = {}): string {
      return `${options.host ?? 'localhost'}:${options.port ?? ''}:`
    }

    destroy(): void {
      // It holds no connection.
    }
  }
}

function makeClient(load: Load, protocol: string, agentClass: unknown): Maker {
  const ClientRequest = makeClientRequest(load)
  const request = (url: unknown, options?: unknown, listener?: Listener): Request =>
    new ClientRequest(url, options, listener, protocol, agentClass)
  return {
    request,
    get: (url, options, listener) => {
      const made = request(url, options, listener)
      made.end()
      return made
    }
  }
}

/** node:http: the classes of messages and servers are Node's own, clients go through `fetch`. */
export function makeHttp(load: Load): Record<string, unknown> {
  const common = load('_http_common') as { methods: string[]; allMethods: string[] }
  const outgoing = load('_http_outgoing') as Record<string, unknown>
  const server = load('_http_server') as { Server: new (...values: unknown[]) => object } & Record<string, unknown>
  const Agent = makeAgent(load, 'http:') as new (options?: object) => object
  const globalAgent = new Agent({ keepAlive: true })
  return {
    METHODS: [...common.methods].sort(),
    STATUS_CODES: server.STATUS_CODES,
    Agent,
    globalAgent,
    ClientRequest: makeClientRequest(load),
    IncomingMessage: (load('_http_incoming') as Record<string, unknown>).IncomingMessage,
    OutgoingMessage: outgoing.OutgoingMessage,
    Server: server.Server,
    ServerResponse: server.ServerResponse,
    _connectionListener: server._connectionListener,
    createServer: (...values: unknown[]) => new server.Server(...values),
    validateHeaderName: outgoing.validateHeaderName,
    validateHeaderValue: outgoing.validateHeaderValue,
    maxHeaderSize: 16_384,
    setMaxIdleHTTPParsers: () => undefined,
    ...makeClient(load, 'http:', globalAgent)
  }
}

export function makeHttps(load: Load): Record<string, unknown> {
  const http = load('http') as Record<string, unknown>
  const Agent = makeAgent(load, 'https:') as new (options?: object) => object
  const globalAgent = new Agent({ keepAlive: true })
  return {
    Agent,
    globalAgent,
    Server: http.Server,
    createServer: http.createServer,
    ...makeClient(load, 'https:', globalAgent)
  }
}

/** `internalBinding('http_parser')`: names only, since nothing is parsed here. */
export function makeBindingHttpParser(methods: readonly string[]): Record<string, unknown> {
  const numbers = [
    'kOnMessageBegin',
    'kOnHeaders',
    'kOnHeadersComplete',
    'kOnBody',
    'kOnMessageComplete',
    'kOnExecute',
    'kOnTimeout'
  ]
  class HTTPParser {
    initialize(): void {
      // Nothing to parse with.
    }
  }
  for (const [index, name] of numbers.entries()) Object.defineProperty(HTTPParser, name, { value: index })
  for (const name of ['REQUEST', 'RESPONSE', 'kLenientNone', 'kLenientAll']) Object.defineProperty(HTTPParser, name, { value: 0 })
  class ConnectionsList {
    all(): never[] {
      return []
    }
    idle(): never[] {
      return []
    }
    active(): never[] {
      return []
    }
    expired(): never[] {
      return []
    }
  }
  return { methods, allMethods: methods, HTTPParser, ConnectionsList }
}
