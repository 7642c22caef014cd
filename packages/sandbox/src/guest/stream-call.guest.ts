import { TELL } from '../bridge-operations.ts'
import { tell, tellMore } from './bridge.guest.ts'
import type { HttpAnswer } from './http-answer.guest.ts'
import { promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import { ResponseStream, type StreamLimits } from './response-stream.guest.ts'

export interface StreamHooks {
  readonly http: boolean
  /** False once the call was answered. */
  alive(): boolean
  /** The whole answer where it was gathered; nothing where it left as it was written. */
  succeed(answer: HttpAnswer | Uint8Array | string): void
  fail(error: unknown): void
}

export interface OpenedStream {
  readonly stream: ResponseStream
  readonly run: (handler: () => unknown) => void
}

/**
 * The stream of one call. It is over when the stream has ended and the handler has returned, whichever comes last; on Lambda too, a handler
 * that never ends its stream runs into its timeout.
 * @param live whether bytes leave as they are written; else they are gathered and bounded as any other answer
 */
export function openStream(live: boolean, limits: StreamLimits, highWaterMark: unknown, hooks: StreamHooks): OpenedStream {
  let ended = false
  let returned = false
  const gathered: Uint8Array[] = []
  const head = { statusCode: 200, headers: '' }
  const settle = () => {
    if (!ended || !returned) return
    if (live) hooks.succeed('')
    else hooks.succeed(hooks.http ? { ...head, body: joined(gathered) } : joined(gathered))
  }
  const failed = (error: unknown) => {
    // Whoever notices that the client went away has done nothing wrong.
    if (!stream.abandoned) hooks.fail(error)
    else {
      returned = true
      settle()
    }
  }
  const stream = new ResponseStream(
    {
      http: hooks.http,
      alive: hooks.alive,
      head: (statusCode, headers) => {
        if (live) tellMore(TELL.HEAD, statusCode, headers, undefined, undefined)
        else Object.assign(head, { statusCode, headers })
      },
      chunk: (bytes) => {
        if (live) tell(TELL.CHUNK, bytes)
        else gathered.push(bytes)
      },
      finished: () => {
        ended = true
        settle()
      },
      failed
    },
    live ? limits : { ...limits, bytesMax: limits.gatheredBytesMax, windowBytes: Number.POSITIVE_INFINITY },
    highWaterMark
  )
  const handed = () => {
    returned = true
    settle()
  }
  const run = (handler: () => unknown) => {
    const result = handler()
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
      reflectApply(promiseThen, promiseResolve(result), [handed, failed])
    } else handed()
  }
  return { stream, run }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
