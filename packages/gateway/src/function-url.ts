import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseFunctionReference, settingsOf } from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import { corsOf } from './cors.ts'
import { HttpCalls, type HttpTarget } from './http-calls.ts'
import { httpTarget } from './http-target.ts'
import { REFERENCES_CACHED_MAX } from './limits.ts'
import { ROUTE } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { decodeLoosely } from './url-query.ts'

/** `NAME.fn.localhost[:PORT]`, in capitals or with the dot of the root too: hosts are names of DNS (RFC 9110, section 4.2.3). */
const HOST_SUFFIX = '.fn.localhost'
const FUNCTION_HOST = /^(.+)\.fn\.localhost\.?(?::\d*)?$/i

/** What `NAME.fn.localhost` says before its end, as it was written; undefined when the host is another. */
export function functionOfHost(host: string | undefined): string | undefined {
  // Almost always it is another: one search decides.
  return host?.toLowerCase().includes(HOST_SUFFIX) === true ? FUNCTION_HOST.exec(host)?.[1] : undefined
}

/** @param url begins with `/fn/`. The path is from the first slash after the reference, `/` when there is none; nothing is decoded. */
export function partsOfUrl(url: string): { reference: string; rawPath: string; rawQuery: string } {
  const mark = url.indexOf('?')
  const end = mark < 0 ? url.length : mark
  const slash = url.indexOf('/', 4)
  const nameEnd = slash < 0 || slash > end ? end : slash
  return {
    reference: url.slice(4, nameEnd),
    rawPath: nameEnd === end ? '/' : url.slice(nameEnd, end),
    rawQuery: mark < 0 ? '' : url.slice(mark + 1)
  }
}

/** Function URLs: `/fn/NAME…` and `NAME.fn.localhost`. No promise, no regular expression and no URL object on the way of a warm call. */
export class FunctionUrls {
  readonly #context: GatewayContext
  readonly #calls: HttpCalls
  /** By reference as it was written, valid as long as the catalog still holds the same record. */
  readonly #prepared = new Map<string, HttpTarget>()
  /** Names by what browsers make of them, '' where that is the same for several; made when it is asked for, after each change of a function. */
  #byLowerCase: Map<string, string> | undefined
  readonly #forget: () => void

  constructor(parts: ApiParts) {
    this.#context = parts.context
    this.#calls = new HttpCalls(parts, ROUTE.FUNCTION_URL)
    this.#forget = parts.context.catalog.onChange((kind) => {
      if (kind === 'function') this.#byLowerCase = undefined
    })
  }

  close(): void {
    this.#forget()
  }

  /** The target of a reference; undefined where there is an error to tell. */
  find(reference: string): HttpTarget | undefined {
    try {
      return this.#prepare(reference)
    } catch {
      // `handlePath` finds the same error and words it.
      return undefined
    }
  }

  /** `/fn/NAME[:QUALIFIER]/REST?QUERY`; the caller has seen the prefix. */
  handlePath(request: IncomingMessage, response: ServerResponse, url: string): void {
    const { reference, rawPath, rawQuery } = partsOfUrl(url)
    this.#handle(request, response, reference, rawPath, rawQuery)
  }

  /** `NAME.fn.localhost`: the whole path is the function's. */
  handleHost(request: IncomingMessage, response: ServerResponse, name: string, url: string): void {
    const mark = url.indexOf('?')
    const rawPath = mark < 0 ? url : url.slice(0, mark)
    this.#handle(request, response, this.#nameOfHost(name), rawPath, mark < 0 ? '' : url.slice(mark + 1))
  }

  /** The function of that name; where there is none, the only one that is called so in capitals: browsers write hosts in small letters. */
  #nameOfHost(written: string): string {
    const { catalog } = this.#context
    if (catalog.get('function', written) !== undefined) return written
    if (this.#byLowerCase === undefined) {
      this.#byLowerCase = new Map()
      for (const { name } of catalog.list('function')) {
        const lower = name.toLowerCase()
        this.#byLowerCase.set(lower, this.#byLowerCase.has(lower) ? '' : name)
      }
    }
    return this.#byLowerCase.get(written.toLowerCase()) || written
  }

  #handle(request: IncomingMessage, response: ServerResponse, reference: string, rawPath: string, rawQuery: string): void {
    const exchange = this.#calls.begin(request, response)
    try {
      const prepared = this.#prepare(reference)
      const { requestId, startedAt } = exchange
      this.#calls.run({ request, response, requestId, startedAt, prepared, rawPath, rawQuery, route: undefined })
    } catch (error) {
      this.#calls.fail(exchange, error)
    }
  }

  /** @throws NOT_FOUND, INVALID_ARGUMENT */
  #prepare(reference: string): HttpTarget {
    const cached = this.#prepared.get(reference)
    if (cached !== undefined && this.#context.catalog.get('function', cached.name) === cached.record) return cached
    const { name, qualifier } = parseFunctionReference(decodeLoosely(reference))
    const prepared = httpTarget(this.#context, name, qualifier, (record) => {
      const url = settingsOf(record, qualifier).url
      return {
        auth: url?.auth,
        streams: url?.invokeMode === 'RESPONSE_STREAM',
        cors: corsOf(url?.cors),
        parts: this.#calls.events.partsOf(name, url?.auth !== 'AWS_IAM')
      }
    })
    if (!prepared.whole) return prepared
    if (this.#prepared.size >= REFERENCES_CACHED_MAX) this.#prepared.clear()
    this.#prepared.set(reference, prepared)
    return prepared
  }
}
