import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPeerlessError, PeerlessError, type RouteRecord } from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import { corsOf } from './cors.ts'
import type { EventRoute } from './function-url-event.ts'
import { HttpCalls, type HttpTarget } from './http-calls.ts'
import { httpTarget } from './http-target.ts'
import { hostOf } from './http-url.ts'
import { QUOTED_CHARS_MAX, ROUTES_MAX } from './limits.ts'
import { ROUTE } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { isReservedPath, parseRouteKey } from './route-pattern.ts'
import { type RouteMatch, RouteTable } from './route-table.ts'

/** A route as requests find it; the function behind it is looked up when the first one comes, and again when its record changed. */
interface Ready {
  readonly record: RouteRecord
  readonly keyJson: string
  prepared: HttpTarget | undefined
}

/** The routes of the catalog, as a table that is made anew after a change. Requests on hosts that no route names cost one look at a map. */
export class Routes {
  readonly #context: GatewayContext
  readonly #calls: HttpCalls
  #hosts: ReadonlyMap<string, RouteTable<Ready>> = new Map()
  #anyHost: RouteTable<Ready> | undefined
  #stale = true
  #named = false
  readonly #forget: () => void

  constructor(parts: ApiParts) {
    this.#context = parts.context
    this.#calls = new HttpCalls(parts, ROUTE.ROUTES)
    this.#forget = parts.context.catalog.onChange((kind) => {
      if (kind === 'route') this.#stale = true
    })
  }

  close(): void {
    this.#forget()
  }

  /** The routes of a host; undefined when none names it. Almost always there are no such hosts at all. */
  tableOf(hostHeader: string | undefined): RouteTable<Ready> | undefined {
    if (this.#stale) this.#compile()
    if (!this.#named) return undefined
    const host = hostOf(hostHeader)
    const dot = host.indexOf('.')
    return this.#hosts.get(host) ?? this.#hosts.get(`*${dot < 0 ? '' : host.slice(dot)}`)
  }

  /** Answers a request on a host that routes name; false when none does. */
  handleHost(request: IncomingMessage, response: ServerResponse, url: string): boolean {
    const table = this.tableOf(request.headers.host)
    if (table === undefined) return false
    this.#handle(request, response, url, table)
    return true
  }

  /** Answers a request on any other host; false when the path is the node's own, or there are no routes. */
  handlePath(request: IncomingMessage, response: ServerResponse, url: string): boolean {
    if (this.#stale) this.#compile()
    const table = this.#anyHost
    if (table === undefined || isReservedPath(url.split('?', 1)[0] as string)) return false
    this.#handle(request, response, url, table)
    return true
  }

  #handle(request: IncomingMessage, response: ServerResponse, url: string, table: RouteTable<Ready>): void {
    const mark = url.indexOf('?')
    const rawPath = mark < 0 ? url : url.slice(0, mark)
    const rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    const exchange = this.#calls.begin(request, response)
    try {
      const match = this.#match(request, rawPath, table)
      const route = eventRouteOf(match)
      this.#calls.run({ ...exchange, prepared: this.#prepare(match.value), rawPath, rawQuery, route })
    } catch (error) {
      this.#calls.fail(exchange, error)
    }
  }

  /** A preflight is for the route of the request that it asks about. */
  #match(request: IncomingMessage, rawPath: string, table: RouteTable<Ready>): RouteMatch<Ready> {
    const method = request.method ?? 'GET'
    const asked = method === 'OPTIONS' ? request.headers['access-control-request-method'] : undefined
    const found = table.match(method, rawPath)
    const about = asked === undefined ? undefined : table.match(String(asked).toUpperCase(), rawPath)
    const match = typeof about === 'object' && about.value.record.cors !== undefined ? about : found
    if (match === 'malformed')
      throw new PeerlessError(
        'INVALID_ARGUMENT',
        `the path '${rawPath.slice(0, QUOTED_CHARS_MAX)}' has percent-escapes that are not UTF-8`
      )
    if (match === undefined)
      throw new PeerlessError('NOT_FOUND', `no route matches ${method} '${rawPath.slice(0, QUOTED_CHARS_MAX)}'`)
    return match
  }

  /** @throws NOT_FOUND */
  #prepare(ready: Ready): HttpTarget {
    const { record } = ready
    const { catalog } = this.#context
    const known = ready.prepared
    const behind = catalog.get('function', record.functionName)
    if (known !== undefined && behind === known.record) return known
    if (behind !== undefined && behind.account !== record.account)
      throw new PeerlessError(
        'NOT_FOUND',
        `the function '${record.functionName}' of this route was removed; the one that has its name now belongs to another account`
      )
    const prepared = httpTarget(this.#context, record.functionName, record.qualifier, () => ({
      auth: record.auth,
      streams: record.invokeMode === 'RESPONSE_STREAM',
      cors: corsOf(record.cors),
      parts: this.#calls.events.partsOf(record.id, false)
    }))
    if (prepared.whole) ready.prepared = prepared
    return prepared
  }

  #compile(): void {
    this.#stale = false
    const hosts = new Map<string, RouteTable<Ready>>()
    let anyHost: RouteTable<Ready> | undefined
    for (const record of this.#context.catalog.list('route').slice(0, ROUTES_MAX)) {
      try {
        const pattern = parseRouteKey(record.routeKey)
        let table = record.host === undefined ? anyHost : hosts.get(record.host)
        table ??= new RouteTable()
        if (record.host === undefined) anyHost = table
        else hosts.set(record.host, table)
        table.add(pattern, { record, keyJson: JSON.stringify(record.routeKey), prepared: undefined })
      } catch (error) {
        if (!isPeerlessError(error)) throw error
        // Any member may write to the catalog; what is no route leads nowhere.
        this.#context.logger.warn('a route in the catalog is malformed', { route: record.id, reason: error.message })
      }
    }
    this.#hosts = hosts
    this.#anyHost = anyHost
    this.#named = hosts.size > 0
  }
}

function eventRouteOf({ value, parameters }: RouteMatch<Ready>): EventRoute {
  const none = Object.keys(parameters).length === 0
  return { keyJson: value.keyJson, parametersJson: none ? undefined : JSON.stringify(parameters) }
}
