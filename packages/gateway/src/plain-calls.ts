import { type InvokeAnswer, LIMITS, type PeerlessError } from '@peerless/interface'
import type { ApiParts } from './api-call.ts'
import type { Drain } from './drain.ts'
import { FAILURE_HEADERS, failureBody, isFinalStatus, KEEP_ALL, mergedHeaders } from './function-answer.ts'
import { type FunctionUrls, functionOfHost, partsOfUrl } from './function-url.ts'
import { EventBuilder } from './function-url-event.ts'
import { type FlatHeaders, presentable, refusalBody, refusalHeaders } from './http-answer.ts'
import type { BodyBudget } from './http-body.ts'
import { chosenTarget, eventBytes, eventTooLarge, type HttpTarget, quotedCount } from './http-calls.ts'
import { CLIENT_GONE, type GatewayMetrics, ROUTE } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { outcomeHeaders } from './outcome-headers.ts'
import { PlainAnswers } from './plain-answer.ts'
import type { HeldBody, PlainReceipt } from './plain-body.ts'
import type { PlainReply } from './plain-front.ts'
import type { PlainHead } from './plain-head.ts'
import type { PlainInvocation } from './plain-invocation.ts'
import type { Routes } from './routes.ts'

interface PlainTarget {
  readonly prepared: HttpTarget
  readonly rawPath: string
  readonly rawQuery: string
}

interface PlainCall {
  readonly prepared: HttpTarget
  readonly reply: PlainReply
  readonly requestId: string
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

/**
 * Function URLs for requests that `PlainFront` has read: the hottest path of a node. It takes calls of functions that anybody may call and that
 * answer in one piece; everything with a rule to apply, and every error to tell before a call is made, goes the other way (`HttpCalls`).
 */
export class PlainCalls {
  readonly #context: GatewayContext
  readonly #metrics: GatewayMetrics
  readonly #drain: Drain
  readonly #budget: BodyBudget
  readonly #urls: FunctionUrls
  readonly #routes: Pick<Routes, 'tableOf'>
  readonly #events: EventBuilder
  readonly #answers: PlainAnswers

  constructor({ context, metrics, drain, budget }: ApiParts, urls: FunctionUrls, routes: Pick<Routes, 'tableOf'>) {
    this.#context = context
    this.#metrics = metrics
    this.#drain = drain
    this.#budget = budget
    this.#urls = urls
    this.#routes = routes
    this.#events = new EventBuilder(context.accountId)
    this.#answers = new PlainAnswers(context.limits.keepAliveMs)
  }

  /** False: nothing was begun. */
  take(head: PlainHead | PlainInvocation, reply: PlainReply): boolean {
    const target = this.#targetOf(head)
    if (target === undefined) return false
    const bytes = 'body' in head ? head.body : undefined
    const bodyBytes = bytes?.length ?? 0
    if (!this.#budget.has(bodyBytes)) return false
    this.#budget.take(bodyBytes)
    const release = () => this.#budget.give(bodyBytes)
    // No look at its size: what one read brought is far below the limit of an event, however it is quoted.
    this.#begin(target, head, reply, bytes === undefined ? undefined : { bytes, headroomBytes: 0, release }, undefined)
    return true
  }

  /** undefined: Node's server shall read the body. */
  expect(head: PlainInvocation, reply: PlainReply): PlainReceipt | undefined {
    if (head.bodyBytes > LIMITS.payloadBytesMax || this.#targetOf(head) === undefined) return undefined
    const startedAt = this.#context.clock.monotonic()
    const look = quotedCount(head)
    return {
      look: look?.add,
      take: (body) => {
        // It may have changed while the body came.
        const target = this.#targetOf(head)
        if (target === undefined) return false
        this.#begin(target, head, reply, body, { startedAt, growth: look?.growth() })
        return true
      },
      lost: () => {
        this.#metrics.started()
        this.#metrics.answered(ROUTE.FUNCTION_URL, CLIENT_GONE, this.#context.clock.monotonic() - startedAt)
      }
    }
  }

  /** What the request runs, where it is of the kind that is answered here. */
  #targetOf({ url, headers, ...head }: PlainHead | PlainInvocation): PlainTarget | undefined {
    if (functionOfHost(headers.host) !== undefined || this.#routes.tableOf(headers.host) !== undefined) return undefined
    const { reference, rawPath, rawQuery } = partsOfUrl(url)
    const prepared = this.#urls.find(reference)
    if (prepared?.auth !== 'NONE' || prepared.streams || prepared.cors !== undefined) return undefined
    // Who signs it shall hear what is wrong with that.
    if ('body' in head && 'authorization' in headers) return undefined
    return { prepared, rawPath, rawQuery }
  }

  /**
   * @param gathered of a body that came in parts: when its head was read (monotonic milliseconds), and how much it grows in JSON, if it is text and that
   *   was counted. Its event may be too large
   */
  #begin(
    { prepared, rawPath, rawQuery }: PlainTarget,
    { headers, method, httpVersion, rawHeaders }: PlainHead | PlainInvocation,
    reply: PlainReply,
    body: HeldBody | undefined,
    gathered: { readonly startedAt: number; readonly growth: number | undefined } | undefined
  ): void {
    const { random, clock, invoker } = this.#context
    const requestId = random.uuid()
    const call = { prepared, reply, requestId, startedAt: gathered?.startedAt ?? clock.monotonic() }
    this.#metrics.started()
    const event = this.#events.build(prepared.parts, {
      request: { method, httpVersion, rawHeaders, headers, socket: reply },
      rawPath,
      rawQuery,
      body: body?.bytes,
      headroomBytes: body?.headroomBytes,
      requestId,
      now: clock.now(),
      key: undefined,
      route: undefined
    })
    const bytes = gathered === undefined ? 0 : eventBytes(event, gathered.growth)
    if (bytes > LIMITS.payloadBytesMax) {
      body?.release()
      this.#refuse(call, eventTooLarge(bytes))
      return
    }
    invoker.begin(
      {
        requestId,
        kind: 'http',
        target: chosenTarget(prepared, random),
        payload: event.payload,
        body: event.body,
        logTail: false,
        clientContext: undefined,
        invokedArn: prepared.invokedArn,
        stream: undefined
      },
      (error, answer) => {
        body?.release()
        if (answer === undefined) this.#refuse(call, error)
        else this.#answer(call, answer)
      }
    )
  }

  #answer(call: PlainCall, answer: InvokeAnswer): void {
    const { outcome } = answer
    this.#metrics.invoked(outcome.status, outcome.usage.cold)
    const platform = outcomeHeaders(call.requestId, answer)
    const { http } = outcome
    if (outcome.status === 'ok' && http !== undefined && isFinalStatus(http.statusCode)) {
      const headers = mergedHeaders(platform, http.headers, KEEP_ALL)
      if (this.#send(call, http.statusCode, headers, outcome.payload)) return
    }
    this.#send(call, 502, platform.concat(FAILURE_HEADERS), failureBody(outcome.status, call.prepared.name))
  }

  #refuse(call: PlainCall, thrown: unknown): void {
    const { requestId } = call
    const error: PeerlessError = presentable(thrown)
    this.#metrics.invoked('refused', false)
    if (error.fault === 'node' && error.status === 500)
      this.#context.logger.error('HTTP request to a function failed', { requestId, error: String(thrown) })
    this.#send(call, error.status, refusalHeaders(requestId, error), refusalBody(error))
  }

  /** False when the headers would break out of their lines: nothing was sent. */
  #send(call: PlainCall, status: number, headers: FlatHeaders, body: Uint8Array | string): boolean {
    const { clock } = this.#context
    const { draining } = this.#drain
    const { reply, startedAt } = call
    const { gone } = reply
    if (!this.#answers.send(reply, status, headers, body, clock.now(), draining)) return false
    this.#metrics.answered(ROUTE.FUNCTION_URL, gone ? CLIENT_GONE : status, clock.monotonic() - startedAt)
    return true
  }
}
