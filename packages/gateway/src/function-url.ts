import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AccessKey,
  aliasOf,
  type FunctionRecord,
  functionArn,
  type HttpHead,
  type InvokeAnswer,
  LATEST,
  LIMITS,
  PeerlessError,
  parseFunctionReference,
  type ResolvedFunction,
  settingsOf,
  type UrlSettings,
  versionOf
} from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import type { Drain } from './drain.ts'
import { EventBuilder, type EventParts } from './function-url-event.ts'
import { type FlatHeaders, presentable, retryAfterSeconds, send } from './http-answer.ts'
import { type Body, type BodyBudget, hasNoBody, readBody } from './http-body.ts'
import { QUOTED_CHARS_MAX, REFERENCES_CACHED_MAX } from './limits.ts'
import { CLIENT_GONE, type GatewayMetrics, ROUTE } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { outcomeHeaders } from './outcome-headers.ts'
import type { RefusalLog } from './refusal-log.ts'
import { mayInvoke } from './roles.ts'
import type { Sigv4Verifier } from './sigv4.ts'
import { decodeLoosely } from './url-query.ts'

/** A reference that was resolved, valid as long as the catalog still holds the same record. */
interface Prepared {
  readonly name: string
  readonly record: FunctionRecord
  readonly target: ResolvedFunction
  /** Where an alias splits its calls: the second version and its share. */
  readonly second: { readonly target: ResolvedFunction; readonly weight: number } | undefined
  /** undefined: it has no URL. */
  readonly url: UrlSettings | undefined
  readonly qualifier: string | undefined
  readonly invokedArn: string
  readonly parts: EventParts
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

/** One request on its way to a function that is known. */
interface Call extends Exchange {
  readonly prepared: Prepared
  readonly rawPath: string
  readonly rawQuery: string
}

/**
 * Names that a function's answer may not set: those of one hop (RFC 9110, section 7.6.1), the length, which is counted here, and
 * what only the platform says. Everything that begins with `x-peerless-` as well.
 */
const DROPPED_HEADERS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'x-amzn-requestid',
  'x-amz-function-error'
])

/** Function URLs. The hot path of the whole gateway: promises only where something is waited for, no regular expression, no URL object. */
export class FunctionUrls {
  readonly #context: GatewayContext
  readonly #verifier: Sigv4Verifier
  readonly #metrics: GatewayMetrics
  readonly #budget: BodyBudget
  readonly #drain: Drain
  readonly #refusals: RefusalLog
  readonly #events: EventBuilder
  readonly #prepared = new Map<string, Prepared>()

  constructor(parts: ApiParts) {
    this.#context = parts.context
    this.#verifier = parts.verifier
    this.#metrics = parts.metrics
    this.#budget = parts.budget
    this.#drain = parts.drain
    this.#refusals = parts.refusals
    this.#events = new EventBuilder(parts.context.accountId)
  }

  /** `/fn/NAME[:QUALIFIER]/REST?QUERY`; the caller has seen the prefix. */
  handlePath(request: IncomingMessage, response: ServerResponse, url: string): void {
    const mark = url.indexOf('?')
    const end = mark < 0 ? url.length : mark
    const slash = url.indexOf('/', 4)
    const nameEnd = slash < 0 || slash > end ? end : slash
    const rawPath = nameEnd === end ? '/' : url.slice(nameEnd, end)
    this.#handle(request, response, url.slice(4, nameEnd), rawPath, mark < 0 ? '' : url.slice(mark + 1))
  }

  /** `NAME.fn.localhost`: the whole path is the function's. */
  handleHost(request: IncomingMessage, response: ServerResponse, name: string, url: string): void {
    const mark = url.indexOf('?')
    const rawPath = mark < 0 ? url : url.slice(0, mark)
    this.#handle(request, response, name, rawPath, mark < 0 ? '' : url.slice(mark + 1))
  }

  #handle(request: IncomingMessage, response: ServerResponse, reference: string, rawPath: string, rawQuery: string): void {
    const exchange = { request, response, requestId: this.#context.random.uuid(), startedAt: this.#context.clock.monotonic() }
    this.#metrics.started()
    try {
      const prepared = this.#prepare(reference)
      const { requestId, startedAt } = exchange
      const call = { request, response, requestId, startedAt, prepared, rawPath, rawQuery }
      if (prepared.url?.auth === 'NONE' && hasNoBody(request)) this.#invoke(call, undefined, undefined)
      else this.#receive(call).catch((error) => this.#fail(exchange, error))
    } catch (error) {
      this.#fail(exchange, error)
    }
  }

  /** The longer way: with a body, or with a signature to check, or both. */
  async #receive(call: Call): Promise<void> {
    const { request, prepared } = call
    const urlAuth = prepared.url?.auth
    if (urlAuth === undefined)
      throw new PeerlessError(
        'FORBIDDEN',
        `function '${prepared.name}' has no function URL; create one with AuthType NONE or AWS_IAM`
      )
    const claim = urlAuth === 'AWS_IAM' ? this.#verifier.begin(request) : undefined
    const body = await readBody(request, { bytesMax: LIMITS.payloadBytesMax, tooLarge, budget: this.#budget })
    try {
      const key = claim === undefined ? undefined : this.#verifier.finish(claim, body.sha256())
      if (key !== undefined) mayInvoke(key, prepared.record, { qualifier: prepared.qualifier, viaUrl: true })
      this.#invoke(call, body, key)
    } catch (error) {
      body.release()
      throw error
    }
  }

  #invoke(call: Call, body: Body | undefined, key: AccessKey | undefined): void {
    const { request, requestId, prepared } = call
    const payload = this.#events.build(prepared.parts, {
      request,
      rawPath: call.rawPath,
      rawQuery: call.rawQuery,
      body: body?.bytes,
      requestId,
      now: this.#context.clock.now(),
      key
    })
    if (payload.length > LIMITS.payloadBytesMax)
      throw new PeerlessError(
        'TOO_LARGE',
        `the request as an event has ${payload.length} bytes (bodies that are not text grow by a third in base64); it must be at most ${LIMITS.payloadBytesMax} bytes`
      )
    const order = {
      requestId,
      kind: 'http' as const,
      target: this.#targetOf(prepared),
      payload,
      logTail: false,
      clientContext: undefined,
      invokedArn: prepared.invokedArn
    }
    this.#context.invoker.begin(order, (error, answer) => {
      body?.release()
      if (answer === undefined) {
        this.#metrics.invoked('refused', false)
        this.#fail(call, error)
        return
      }
      try {
        this.#answer(call, answer)
      } catch (thrown) {
        this.#fail(call, thrown)
      }
    })
  }

  #targetOf({ target, second }: Prepared): ResolvedFunction {
    return second !== undefined && this.#context.random.next() < second.weight ? second.target : target
  }

  #answer(call: Call, answer: InvokeAnswer): void {
    const { response, requestId, startedAt } = call
    const { outcome } = answer
    this.#metrics.invoked(outcome.status, outcome.usage.cold)
    const headers = outcomeHeaders(requestId, answer)
    this.#drain.mark(headers)
    const head = outcome.http
    let status = 502
    if (outcome.status === 'ok' && head !== undefined && sendOutcome(response, headers, head, outcome.payload)) {
      status = head.statusCode
    } else {
      headers.push('content-type', 'application/json', 'x-amz-function-error', 'Unhandled')
      send(response, status, headers, failureBody(outcome.status, call.prepared.name))
    }
    this.#metrics.answered(ROUTE.FUNCTION_URL, status, this.#context.clock.monotonic() - startedAt)
  }

  #fail(exchange: Exchange, thrown: unknown): void {
    const { request, response, requestId, startedAt } = exchange
    const error = presentable(thrown)
    if (error.fault === 'node' && error.status === 500)
      this.#context.logger.error('function URL request failed', {
        requestId,
        error: String(thrown),
        stack: (thrown as Error)?.stack
      })
    else this.#refusals.note(error, request, requestId)
    const status = response.destroyed ? CLIENT_GONE : error.status
    this.#metrics.answered(ROUTE.FUNCTION_URL, status, this.#context.clock.monotonic() - startedAt)
    const headers: FlatHeaders = ['x-amzn-requestid', requestId, 'content-type', 'application/json']
    if ('awsCode' in error) headers.push('x-amzn-errortype', String(error.awsCode))
    const retryAfter = retryAfterSeconds(error)
    if (retryAfter !== undefined) headers.push('retry-after', retryAfter)
    this.#drain.refuse(request, response, error.status, headers, JSON.stringify({ code: error.code, message: error.message }))
  }

  /** @throws NOT_FOUND, INVALID_ARGUMENT */
  #prepare(reference: string): Prepared {
    const cached = this.#prepared.get(reference)
    const { catalog, region, accountId } = this.#context
    if (cached !== undefined && catalog.get('function', cached.name) === cached.record) return cached
    const { name, qualifier } = parseFunctionReference(decodeLoosely(reference))
    const record = catalog.get('function', name)
    if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${name}' in this mesh`)
    const alias = qualifier === undefined ? undefined : aliasOf(record, qualifier)
    const version = versionOf(catalog, record, alias?.version ?? qualifier ?? LATEST)
    if (version === undefined)
      throw new PeerlessError(
        'NOT_FOUND',
        `function '${name}' has no version or alias '${(qualifier ?? LATEST).slice(0, QUOTED_CHARS_MAX)}'`
      )
    const other = alias?.second === undefined ? undefined : versionOf(catalog, record, alias.second.version)
    const prepared: Prepared = {
      name,
      record,
      target: { record, version },
      second: other === undefined ? undefined : { target: { record, version: other }, weight: alias?.second?.weight ?? 0 },
      url: settingsOf(record, qualifier).url,
      qualifier,
      invokedArn: functionArn(region, accountId, name, qualifier),
      parts: this.#events.partsOf(name)
    }
    if (this.#prepared.size >= REFERENCES_CACHED_MAX) this.#prepared.clear()
    this.#prepared.set(reference, prepared)
    return prepared
  }
}

/** Sends what the function answered. False when that is no HTTP response: a 1xx status, or headers that would break out of their line. */
function sendOutcome(response: ServerResponse, platform: FlatHeaders, head: HttpHead, body: Uint8Array): boolean {
  const { statusCode } = head
  if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) return false
  const headers = platform.slice()
  for (let index = 0; index + 1 < head.headers.length; index += 2) {
    const name = head.headers[index] as string
    const lower = name.toLowerCase()
    if (DROPPED_HEADERS.has(lower) || lower.startsWith('x-peerless-')) continue
    headers.push(name, head.headers[index + 1] as string)
  }
  try {
    send(response, statusCode, headers, body)
    return true
  } catch {
    // writeHead refuses names that are no tokens and values with control characters before anything was written. Whoever ran the
    // function should have refused them already; the caller is told that the function's answer was none.
    return false
  }
}

function tooLarge(bytes: string): PeerlessError {
  return new PeerlessError('TOO_LARGE', `the request body has ${bytes} bytes; it must be at most ${LIMITS.payloadBytesMax} bytes`)
}

function failureBody(status: string, name: string): string {
  const reasons: Record<string, string> = {
    error: `function '${name}' threw an error`,
    timeout: `function '${name}' ran into its timeout`,
    exit: `the process of function '${name}' ended before it answered`
  }
  const reason = reasons[status] ?? `function '${name}' answered with something that is not an HTTP response`
  return JSON.stringify({ message: 'Internal Server Error', reason: `${reason}; its log has the details` })
}
