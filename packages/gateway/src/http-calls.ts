import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AccessKey,
  type EventBody,
  type FunctionRecord,
  type InvokeAnswer,
  LIMITS,
  PeerlessError,
  type Random,
  type ResolvedFunction,
  type UrlAuth
} from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import type { Cors } from './cors.ts'
import type { Drain } from './drain.ts'
import { FAILURE_HEADERS, failureBody, KEEP_ALL, mergedHeaders, sendOutcome } from './function-answer.ts'
import { EventBuilder, type EventParts, type EventRoute, isText } from './function-url-event.ts'
import { boundStall, presentable, refusalBody, refusalHeaders, send } from './http-answer.ts'
import { type Body, type BodyBudget, hasNoBody, readBody } from './http-body.ts'
import { CLIENT_GONE, type GatewayMetrics, type Route } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { addTrailers, outcomeHeaders, streamHeaders } from './outcome-headers.ts'
import { escapeBytes, JSON_ESCAPE_BYTES_MAX } from './quoted-size.ts'
import type { RefusalLog } from './refusal-log.ts'
import { mayInvoke } from './roles.ts'
import type { Sigv4Verifier } from './sigv4.ts'
import { StreamAnswer } from './stream-answer.ts'

/** What an HTTP request runs, and under which rules. Made once per reference and kept. */
export interface HttpTarget {
  readonly name: string
  readonly record: FunctionRecord
  readonly target: ResolvedFunction
  /** Where an alias splits its calls: the second version and its share. */
  readonly second: { readonly target: ResolvedFunction; readonly weight: number } | undefined
  /** All that it names is there; false: the second version has not come here yet, and it is to be made anew for the next call. */
  readonly whole: boolean
  /** undefined: nobody may. */
  readonly auth: UrlAuth | undefined
  /** The answer goes out as it is written. */
  readonly streams: boolean
  readonly cors: Cors | undefined
  readonly qualifier: string | undefined
  readonly invokedArn: string
  readonly parts: EventParts
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

/** One request on its way to a function that is known. */
export interface HttpCall extends Exchange {
  readonly prepared: HttpTarget
  readonly rawPath: string
  readonly rawQuery: string
  /** undefined: a function URL. */
  readonly route: EventRoute | undefined
}

/**
 * From an HTTP request to a function's answer, for function URLs and routes. The hot path of the whole gateway: promises only where something
 * is waited for.
 */
export class HttpCalls {
  readonly #context: GatewayContext
  readonly #verifier: Sigv4Verifier
  readonly #metrics: GatewayMetrics
  readonly #budget: BodyBudget
  readonly #drain: Drain
  readonly #refusals: RefusalLog
  readonly #kind: Route
  readonly events: EventBuilder

  /** @param kind as it is counted */
  constructor(parts: ApiParts, kind: Route) {
    this.#context = parts.context
    this.#verifier = parts.verifier
    this.#metrics = parts.metrics
    this.#budget = parts.budget
    this.#drain = parts.drain
    this.#refusals = parts.refusals
    this.#kind = kind
    this.events = new EventBuilder(parts.context.accountId)
  }

  begin(request: IncomingMessage, response: ServerResponse): Exchange {
    this.#metrics.started()
    return { request, response, requestId: this.#context.random.uuid(), startedAt: this.#context.clock.monotonic() }
  }

  /** Runs it; whatever goes wrong is answered. */
  run(call: HttpCall): void {
    const { request, prepared } = call
    try {
      if (prepared.cors?.isPreflight(request) === true) this.#preflight(call, prepared.cors)
      else if (prepared.auth === 'NONE' && hasNoBody(request)) this.#invoke(call, undefined, undefined)
      else this.#receive(call).catch((error) => this.fail(call, error, prepared.cors))
    } catch (error) {
      this.fail(call, error, prepared.cors)
    }
  }

  #preflight(call: HttpCall, cors: Cors): void {
    const { request, response, requestId, startedAt } = call
    const headers = ['x-amzn-requestid', requestId, ...cors.preflight(request)]
    this.#drain.refuse(request, response, 204, headers, '')
    this.#metrics.answered(this.#kind, 204, this.#context.clock.monotonic() - startedAt)
  }

  /** The longer way: with a body, or with a signature to check, or both. */
  async #receive(call: HttpCall): Promise<void> {
    const { request, prepared } = call
    const { auth } = prepared
    if (auth === undefined)
      throw new PeerlessError(
        'FORBIDDEN',
        `function '${prepared.name}' has no function URL; create one with AuthType NONE or AWS_IAM`
      )
    const claim = auth === 'AWS_IAM' ? this.#verifier.begin(request) : undefined
    const look = quotedCount(request)
    const rules = {
      bytesMax: LIMITS.payloadBytesMax,
      tooLarge,
      budget: this.#budget,
      hashed: claim !== undefined,
      look: look?.add
    }
    const body = await readBody(request, rules)
    try {
      const key = claim === undefined ? undefined : this.#verifier.finish(claim, body.sha256())
      if (key !== undefined) mayInvoke(key, prepared.record, { qualifier: prepared.qualifier, viaUrl: true })
      this.#invoke(call, body, key, look?.growth())
    } catch (error) {
      body.release()
      throw error
    }
  }

  /** @param growth of a body that is text, in JSON, where it was counted */
  #invoke(call: HttpCall, body: Body | undefined, key: AccessKey | undefined, growth?: number): void {
    const { request, requestId, prepared } = call
    const event = this.events.build(prepared.parts, {
      request,
      rawPath: call.rawPath,
      rawQuery: call.rawQuery,
      body: body?.bytes,
      headroomBytes: body?.headroomBytes,
      requestId,
      now: this.#context.clock.now(),
      key,
      route: call.route
    })
    const bytes = eventBytes(event, growth)
    if (bytes > LIMITS.payloadBytesMax) throw eventTooLarge(bytes)
    const stream = prepared.streams ? this.#streamOf(call) : undefined
    const order = {
      requestId,
      kind: 'http' as const,
      target: chosenTarget(prepared, this.#context.random),
      payload: event.payload,
      body: event.body,
      logTail: false,
      clientContext: undefined,
      invokedArn: prepared.invokedArn,
      stream
    }
    this.#context.invoker.begin(order, (error, answer) => {
      body?.release()
      if (stream?.opened === true) {
        this.#finish(call, answer, stream)
        return
      }
      if (answer === undefined) {
        this.#metrics.invoked('refused', false)
        this.fail(call, error, prepared.cors)
        return
      }
      try {
        this.#answer(call, answer)
      } catch (thrown) {
        this.fail(call, thrown, prepared.cors)
      }
    })
  }

  #answer(call: HttpCall, answer: InvokeAnswer): void {
    const { request, response, requestId, startedAt } = call
    const { outcome } = answer
    const { cors } = call.prepared
    this.#metrics.invoked(outcome.status, outcome.usage.cold)
    const headers = outcomeHeaders(requestId, answer)
    this.#drain.mark(headers)
    cors?.mark(request, headers)
    const head = outcome.http
    let status = 502
    const dropped = cors === undefined ? KEEP_ALL : cors.owns
    if (outcome.status === 'ok' && head !== undefined && sendOutcome(response, headers, head, outcome.payload, dropped)) {
      status = head.statusCode
    } else {
      headers.push(...FAILURE_HEADERS)
      send(response, status, headers, failureBody(outcome.status, call.prepared.name))
    }
    this.#metrics.answered(this.#kind, status, this.#context.clock.monotonic() - startedAt)
  }

  #streamOf(call: HttpCall): StreamAnswer {
    const { request, response, requestId } = call
    const { cors } = call.prepared
    return new StreamAnswer(response, {
      head: (head) => {
        const { http } = head
        const headers = streamHeaders(requestId, head, response)
        this.#drain.mark(headers)
        cors?.mark(request, headers)
        try {
          response.writeHead(http.statusCode, mergedHeaders(headers, http.headers, cors?.owns ?? KEEP_ALL))
          return true
        } catch {
          // As for an answer in one piece: whoever ran the function should have refused such headers. Told when the outcome is there.
          return false
        }
      },
      chunk: (bytes) => bytes
    })
  }

  /** The end of a streamed answer. What failed midway is cut, so that no client takes a part for the whole. */
  #finish(call: HttpCall, answer: InvokeAnswer | undefined, stream: StreamAnswer): void {
    const { response, startedAt } = call
    const outcome = answer?.outcome
    this.#metrics.invoked(outcome?.status ?? 'refused', outcome?.usage.cold ?? false)
    const gone = response.destroyed
    if (!gone && !response.headersSent) {
      // Its head was none that can be sent.
      const headers = ['x-amzn-requestid', call.requestId, ...FAILURE_HEADERS]
      send(response, 502, headers, failureBody('ok', call.prepared.name))
    } else if (gone || answer === undefined || outcome?.status !== 'ok') stream.cut()
    else {
      addTrailers(response, answer)
      response.end()
      boundStall(response)
    }
    const status = gone ? CLIENT_GONE : response.statusCode
    this.#metrics.answered(this.#kind, status, this.#context.clock.monotonic() - startedAt)
  }

  fail(exchange: Exchange, thrown: unknown, cors?: Cors | undefined): void {
    const { request, response, requestId, startedAt } = exchange
    const error = presentable(thrown)
    if (error.fault === 'node' && error.status === 500)
      this.#context.logger.error('HTTP request to a function failed', {
        requestId,
        error: String(thrown),
        stack: (thrown as Error)?.stack
      })
    else this.#refusals.note(error, request, requestId)
    const status = response.destroyed ? CLIENT_GONE : error.status
    this.#metrics.answered(this.#kind, status, this.#context.clock.monotonic() - startedAt)
    const headers = refusalHeaders(requestId, error)
    cors?.mark(request, headers)
    this.#drain.refuse(request, response, error.status, headers, refusalBody(error))
  }
}

/** Where an alias splits its calls, one of the two by its weight. */
export function chosenTarget({ target, second }: HttpTarget, random: Random): ResolvedFunction {
  return second !== undefined && random.next() < second.weight ? second.target : target
}

/** Trailers go with chunks only: HTTP/1.0 does not know them, and what has no body has none. */
export function eventTooLarge(bytes: number): PeerlessError {
  return new PeerlessError(
    'TOO_LARGE',
    `the request as an event has ${bytes} bytes (bodies that are not text grow by a third in base64); it must be at most ${LIMITS.payloadBytesMax} bytes`
  )
}

/** As the function gets it, in JSON. */
export function eventBytes(
  { payload, body }: { payload: Buffer; body: EventBody | undefined },
  growth: number | undefined
): number {
  if (body === undefined) return payload.length
  if (body.base64) return payload.length - body.bytes + 4 * Math.ceil(body.bytes / 3)
  if (!mayOutgrow(body.bytes + QUOTED_EVENT_BYTES_MAX)) return payload.length
  return payload.length + (growth ?? escapeBytes(payload.subarray(payload.length - body.bytes)))
}

/** What an event has beside its body, at most: several times what Node takes for headers. */
const QUOTED_EVENT_BYTES_MAX = 262_144

/** Whether a text may be too large for an event in quotes, and so has to be looked at byte by byte. */
function mayOutgrow(bytes: number): boolean {
  return JSON_ESCAPE_BYTES_MAX * bytes > LIMITS.payloadBytesMax
}

/** For a body that is text and large, or of no announced length: counts while it comes, since 5 MB at once would hold up everybody else for 2 to 5 ms. */
export function quotedCount({
  headers
}: Pick<IncomingMessage, 'headers'>): { add: (chunk: Buffer) => void; growth: () => number } | undefined {
  const length = headers['content-length']
  if (!isText(headers['content-type'], headers['content-encoding'])) return undefined
  if (length !== undefined && !mayOutgrow(Number(length) + QUOTED_EVENT_BYTES_MAX)) return undefined
  let growth = 0
  return {
    add: (chunk) => {
      growth += escapeBytes(chunk)
    },
    growth: () => growth
  }
}

function tooLarge(bytes: string): PeerlessError {
  return new PeerlessError('TOO_LARGE', `the request body has ${bytes} bytes; it must be at most ${LIMITS.payloadBytesMax} bytes`)
}
