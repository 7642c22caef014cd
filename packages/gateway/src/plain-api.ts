import { hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { ApiAnswer, ApiExchange, ApiParts, ApiRequest } from './api-call.ts'
import { functionOfHost } from './function-url.ts'
import type { FlatHeaders } from './http-answer.ts'
import { type Body, type BodyRules, HASH_AT_ONCE_BYTES_MAX } from './http-body.ts'
import type { LambdaApi } from './lambda-api.ts'
import { CLIENT_GONE, ROUTE } from './metrics.ts'
import { PlainAnswers } from './plain-answer.ts'
import type { PlainReceipt } from './plain-body.ts'
import type { PlainReply } from './plain-front.ts'
import type { PlainInvocation } from './plain-invocation.ts'
import type { Routes } from './routes.ts'
import type { Claim } from './sigv4.ts'

/** Invokes of the Lambda API that `PlainFront` has read: the same exchange as any other of it, without what `node:http` makes for each request. */
export class PlainApi {
  readonly #parts: ApiParts
  readonly #lambdaApi: LambdaApi
  readonly #routes: Pick<Routes, 'tableOf'>
  readonly #answers: PlainAnswers

  constructor(parts: ApiParts, lambdaApi: LambdaApi, routes: Pick<Routes, 'tableOf'>) {
    this.#parts = parts
    this.#lambdaApi = lambdaApi
    this.#routes = routes
    this.#answers = new PlainAnswers(parts.context.limits.keepAliveMs)
  }

  /** False: nothing was begun. */
  take(invocation: PlainInvocation, reply: PlainReply): boolean {
    if (this.#isOthers(invocation)) return false
    this.#begin({ request: requestOf(invocation, reply) }, reply, invocation.body, undefined)
    return true
  }

  /** undefined: Node's server shall read the body, or refuse the request before it does; a larger body is hashed while it comes. */
  expect(invocation: PlainInvocation, reply: PlainReply): PlainReceipt | undefined {
    if (invocation.bodyBytes > HASH_AT_ONCE_BYTES_MAX || this.#isOthers(invocation)) return undefined
    const { context, metrics } = this.#parts
    const request = requestOf(invocation, reply)
    const claim = this.#claimOf(request)
    if (claim === undefined) return undefined
    const startedAt = context.clock.monotonic()
    return {
      look: undefined,
      take: ({ bytes, release }) => {
        this.#begin({ request, claim, startedAt }, reply, bytes, release)
        return true
      },
      lost: () => {
        metrics.started()
        metrics.answered(ROUTE.LAMBDA, CLIENT_GONE, context.clock.monotonic() - startedAt)
      }
    }
  }

  /** undefined for a stranger, whose body is not read. */
  #claimOf(request: ApiRequest): Claim | undefined {
    try {
      return this.#parts.verifier.begin(request)
    } catch {
      // Whoever is asked next finds the same error and words it.
      return undefined
    }
  }

  #isOthers({ headers }: PlainInvocation): boolean {
    return functionOfHost(headers.host) !== undefined || this.#routes.tableOf(headers.host) !== undefined
  }

  /** @param held gives back what the budget holds for the body already */
  #begin(
    begun: Pick<ApiExchange, 'request' | 'claim' | 'startedAt'>,
    reply: PlainReply,
    bytes: Buffer,
    held: (() => void) | undefined
  ): void {
    const answer = new PlainApiAnswer(reply, this.#answers, this.#parts)
    let release = held
    const readBody = async (rules: BodyRules): Promise<Body> => {
      if (bytes.length > rules.bytesMax) throw rules.tooLarge(`${bytes.length}`)
      if (held === undefined) rules.budget.take(bytes.length)
      release = undefined
      const give = held ?? (() => rules.budget.give(bytes.length))
      return { bytes, headroomBytes: 0, sha256: () => hash('sha256', bytes), release: give }
    }
    this.#lambdaApi
      .exchange({ ...begun, answer, readBody })
      .catch((error) => {
        // It words its own errors; what arrives here failed while it did so.
        this.#parts.context.logger.error('request handler failed', { error: String(error), stack: (error as Error)?.stack })
        reply.send('', true)
      })
      .finally(() => release?.())
  }
}

function requestOf({ method, url, headers, rawHeaders }: PlainInvocation, socket: PlainReply): ApiRequest {
  return { method, url, headers, rawHeaders, socket }
}

class PlainApiAnswer implements ApiAnswer {
  status = CLIENT_GONE
  readonly #reply: PlainReply
  readonly #answers: PlainAnswers
  readonly #parts: ApiParts

  constructor(reply: PlainReply, answers: PlainAnswers, parts: ApiParts) {
    this.#reply = reply
    this.#answers = answers
    this.#parts = parts
  }

  send(status: number, headers: FlatHeaders, body: string | Uint8Array): void {
    const { context, drain } = this.#parts
    if (this.#reply.gone) return
    if (!this.#answers.send(this.#reply, status, headers, body, context.clock.now(), drain.draining))
      throw new TypeError('a header of the answer would break out of its line')
    this.status = status
  }

  /** The body was read before: there is nothing left of it. */
  refuse(status: number, headers: FlatHeaders, body: string): void {
    if (this.status === CLIENT_GONE) this.send(status, headers, body)
  }

  begin(): never {
    throw new TypeError('what is invoked so is answered whole')
  }

  get response(): ServerResponse {
    return this.begin()
  }
}
