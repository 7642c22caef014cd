import { hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { ApiAnswer, ApiParts } from './api-call.ts'
import { functionOfHost } from './function-url.ts'
import type { FlatHeaders } from './http-answer.ts'
import type { Body, BodyRules } from './http-body.ts'
import type { LambdaApi } from './lambda-api.ts'
import { CLIENT_GONE } from './metrics.ts'
import { PlainAnswers } from './plain-answer.ts'
import type { PlainReply } from './plain-front.ts'
import type { PlainInvocation } from './plain-invocation.ts'
import type { Routes } from './routes.ts'

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
    const { method, url, headers, rawHeaders, body } = invocation
    if (functionOfHost(headers.host) !== undefined || this.#routes.tableOf(headers.host) !== undefined) return false
    const request = { method, url, headers, rawHeaders, socket: reply }
    const answer = new PlainApiAnswer(reply, this.#answers, this.#parts)
    this.#lambdaApi.exchange({ request, answer, readBody: (rules) => bodyOf(body, rules) }).catch((error) => {
      // It words its own errors; what arrives here failed while it did so.
      this.#parts.context.logger.error('request handler failed', { error: String(error), stack: (error as Error)?.stack })
      reply.send('', true)
    })
    return true
  }
}

/** @throws TOO_LARGE, UNAVAILABLE as `readBody` does */
async function bodyOf(bytes: Buffer, rules: BodyRules): Promise<Body> {
  if (bytes.length > rules.bytesMax) throw rules.tooLarge(`${bytes.length}`)
  rules.budget.take(bytes.length)
  return { bytes, headroomBytes: 0, sha256: () => hash('sha256', bytes), release: () => rules.budget.give(bytes.length) }
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

  /** The body came with the head: there is nothing left to read. */
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
