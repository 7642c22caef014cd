import { ENTER, TELL } from '../bridge-operations.ts'
import {
  INVOKE_ERROR,
  KIND_HTTP,
  KIND_STREAM,
  STATUS_ERROR,
  STATUS_EXIT,
  STATUS_OK,
  STREAM_CLOSED_CREDIT
} from '../outcome-numbers.ts'
import { leaveContext } from './async-context.guest.ts'
import { highWaterMarkOf, isStreaming } from './awslambda.guest.ts'
import { setDirect, tell, tellMore } from './bridge.guest.ts'
import { closeLogs, logError, openLogs } from './console.guest.ts'
import { describeError, errorJson, errorJsonOf } from './function-error.guest.ts'
import { answerHttp, type HttpAnswer } from './http-answer.guest.ts'
import type { LiveAnswer } from './http-fetch.guest.ts'
import { IntrinsicPromise, jsonParse, jsonStringify, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import { jobsPending, resumeJob, takeDoneHere } from './jobs.guest.ts'
import { applyMeta, beginTrace, configureContext, type Identity, LambdaContext } from './lambda-context.guest.ts'
import { collectGarbage } from './memory-budget.guest.ts'
import { isTooLarge, tooLargeJson } from './payload-limit.guest.ts'
import type { ResponseStream, StreamLimits } from './response-stream.guest.ts'
import type { OpenedStream } from './stream-call.guest.ts'
import { beginEntry, endEntry, isEntered, onTickError } from './ticks.guest.ts'
import { fireTimer, resumeTimers, timersPending } from './timers.guest.ts'
import { wasErrorHandled, wasRejectionHandled } from './uncaught.guest.ts'

type Handler = (event: unknown, context: unknown, callback: unknown) => unknown

interface Call {
  readonly http: boolean
  /** The answer may leave as it is written. */
  readonly live: boolean
  settled: boolean
}

/** Thrown by process.exit to leave the code that called it; the instance is over by then. */
export class ExitSignal {
  readonly code: number

  constructor(code: number) {
    this.code = code
  }
}

let handler: Handler | undefined
let fetchHandler: { fetch: (...values: unknown[]) => unknown } | undefined
let call: Call | undefined
/** The answer of the call under way, where it is streamed. */
let stream: ResponseStream | undefined
let streamLimits: StreamLimits

/** Forgets what a rehearsal left. */
export function configureHandler(identity: Identity, limits: StreamLimits): void {
  configureContext(identity, (ended, error, result) => {
    const current = ended as Call
    if (isDecided(current)) return
    if (error !== null && error !== undefined) fail(current, error)
    else settle(current, result)
  })
  streamLimits = limits
  handler = undefined
  fetchHandler = undefined
  call = undefined
  stream = undefined
  held = undefined
}

interface Preparations {
  configure(configJson: string, library: unknown): void
  /** Of what the function's code runs in, ahead. */
  runtime(name: string, library: unknown): void
}

let preparations: Preparations

export function onPrepare(value: Preparations): void {
  preparations = value
}

/** The one way in. What it throws would be serialised by the host with guest code's help, so nothing is thrown. */
export function enter(entry: number, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f?: unknown): void {
  setDirect((entry & ENTER.DIRECT) !== 0)
  leaveContext()
  beginEntry()
  switch (entry & ~ENTER.DIRECT) {
    case ENTER.INVOKE:
      invoke(a as string, b as string, c as number, d as number, e as string | undefined, f as string | undefined)
      break
    case ENTER.TIMER:
      try {
        fireTimer()
      } catch (error) {
        uncaught(error)
      }
      break
    case ENTER.CREDIT:
      credit(a as number)
      break
    case ENTER.RESUME:
      try {
        resumeJob(a as number, b as unknown as number, c as unknown as string, d as Uint8Array | undefined)
      } catch (error) {
        uncaught(error)
      }
      break
    case ENTER.COLLECT:
      collectGarbage()
      break
    case ENTER.ADOPT:
      adopt(a, b as string)
      break
    case ENTER.CONFIGURE:
      preparations.configure(a as string, b)
      break
    case ENTER.RUNTIME:
      preparations.runtime(a as string, b)
      break
    case ENTER.REJECTED:
      try {
        if (wasRejectionHandled(a, b, c)) tell(TELL.HANDLED, 1)
      } catch (error) {
        uncaught(error)
      }
      break
  }
  endEntry()
  if (held !== undefined) release(held)
  leaveContext()
}

/** process.exit: the answer, then the end. */
export function exit(code: number): never {
  const reason = code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`
  if (call !== undefined) call.settled = true
  // Outside an invocation the executor takes it as a failed start.
  tell(TELL.ANSWER, STATUS_EXIT, reason)
  throw new ExitSignal(code)
}

/** What a script threw while it was evaluated; the wrapper around the bundle hands it on as the completion value. */
const thrownByScript = new WeakMap<object, { error: unknown }>()
const weakMapGet = WeakMap.prototype.get
const weakMapSet = WeakMap.prototype.set

export function caughtByScript(error: unknown): object {
  const marker = {}
  reflectApply(weakMapSet, thrownByScript, [marker, { error }])
  return marker
}

function adopt(exports: unknown, handlerExport: string): void {
  const thrown =
    typeof exports === 'object' && exports !== null
      ? (reflectApply(weakMapGet, thrownByScript, [exports]) as { error: unknown } | undefined)
      : undefined
  if (thrown !== undefined) {
    loadFailed(thrown.error)
    return
  }
  reflectApply(promiseThen, promiseResolve(exports), [
    (settled: unknown) => {
      try {
        pick(settled, handlerExport)
        if (handler === undefined && fetchHandler === undefined) {
          tell(TELL.LOADED, STATUS_ERROR, errorJsonOf('Runtime.HandlerNotFound', `${handlerExport} is undefined or not exported`))
        } else {
          tell(TELL.LOADED, STATUS_OK)
        }
      } catch (error) {
        loadFailed(error)
      }
    },
    loadFailed
  ])
}

function loadFailed(error: unknown): void {
  if (error instanceof ExitSignal) return
  tell(TELL.LOADED, STATUS_ERROR, errorJson(error))
}

/** The named export; else the same name of a default export (CommonJS seen as a module); else a default export with `fetch`. */
function pick(exports: unknown, name: string): void {
  const named = memberOf(exports, name)
  const main = memberOf(exports, 'default')
  const candidates = [named, memberOf(main, name), main, memberOf(main, 'default')]
  // By index: the bundle has been evaluated, and may have changed how arrays are iterated.
  for (let index = 0; index < 2; index++) {
    if (typeof candidates[index] === 'function') {
      handler = candidates[index] as Handler
      return
    }
  }
  for (let index = 0; index < candidates.length; index++) {
    const candidate = candidates[index]
    if (typeof memberOf(candidate, 'fetch') === 'function') {
      fetchHandler = candidate as { fetch: () => unknown }
      return
    }
  }
}

function memberOf(value: unknown, name: string): unknown {
  const holder = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return holder ? (value as Record<string, unknown>)[name] : undefined
}

function invoke(
  payload: string,
  requestId: string,
  kind: number,
  timeoutMs: number,
  metaJson: string | undefined,
  body: string | undefined
): void {
  const current: Call = { http: (kind & KIND_HTTP) !== 0, live: (kind & KIND_STREAM) !== 0, settled: false }
  call = current
  held = undefined
  stream = undefined
  openLogs()
  resumeTimers()
  let result: unknown
  try {
    if (metaJson !== undefined) applyMeta(jsonParse(metaJson))
    beginTrace(requestId)
    let event: unknown
    try {
      event = payload === '' ? {} : jsonParse(payload)
      // The member is there already, and empty: it keeps its place, and no setter of the guest's is asked.
      if (body !== undefined) (event as { body: string }).body = body
    } catch (error) {
      answer(current, STATUS_ERROR, errorJsonOf('Runtime.UnmarshalError', describeError(error).errorMessage))
      return
    }
    const context = new LambdaContext(requestId, timeoutMs, current)
    if (handler === undefined) result = callFetch(current, event, context)
    else if (isStreaming(handler)) result = callStreaming(handler, current, event, context)
    else result = callHandler(handler, current, event, context)
  } catch (error) {
    if (!isDecided(current)) fail(current, error)
    return
  }
  if (result === NOT_YET) return
  if (result instanceof IntrinsicPromise) follow(current, result)
  else if (typeof memberOf(result, 'then') === 'function') follow(current, promiseResolve(result))
  else settle(current, result)
}

const NOT_YET = {}

function follow(current: Call, promise: unknown): void {
  reflectApply(promiseThen, promise, [
    (value: unknown) => {
      if (!isDecided(current)) settle(current, value)
    },
    (error: unknown) => {
      if (!isDecided(current)) fail(current, error)
    }
  ])
}

/** With a third parameter the handler is taken to answer through the callback, unless it returns a promise. */
function callHandler(run: Handler, current: Call, event: unknown, context: LambdaContext): unknown {
  if (run.length < 3) {
    const result = run(event, context, undefined)
    // It may answer through the context.
    return result === undefined && run.length === 2 ? hold({ call: current, value: undefined, answered: false }) : result
  }
  const callback = (error: unknown, value: unknown): void => {
    if (isDecided(current)) return
    if (error !== null && error !== undefined) fail(current, error)
    else if (context.callbackWaitsForEmptyEventLoop) hold({ call: current, value, answered: true })
    else settle(current, value)
  }
  const result = run(event, context, callback)
  if (typeof memberOf(result, 'then') === 'function') return result
  return hold({ call: current, value: undefined, answered: false })
}

/** An answer for when nothing is pending any more, as on Lambda; without one it is null then. */
interface Held {
  call: Call
  value: unknown
  answered: boolean
  /** Whether nothing was pending a turn ago; not known before the first look. */
  idle?: boolean
}

let held: Held | undefined

/**
 * The first answer holds, whichever way a handler gives another (a second callback, the context, its promise, an error that it throws), also
 * while the first one waits: Lambda's `CallbackContext.js` lets through one call of them all. What nobody caught still ends the call.
 */
function isDecided(current: Call): boolean {
  return held?.call === current && held.answered
}

function hold(wanted: Held): typeof NOT_YET {
  if (wanted.call.settled || wanted.call !== call || held?.answered === true) return NOT_YET
  if (held !== undefined && !wanted.answered) return NOT_YET
  held = wanted
  // Else when the entry is over.
  if (!isEntered()) release(wanted)
  return NOT_YET
}

function release(waiting: Held): void {
  if (waiting.call.settled || waiting.call !== call) held = undefined
  else if (timersPending() || jobsPending()) waiting.idle = false
  else if (waiting.idle ?? (waiting.answered && !takeDoneHere())) {
    held = undefined
    settle(waiting.call, waiting.value)
  } else {
    // Promise callbacks come after this entry, and may still answer: look again in the next.
    waiting.idle = true
    tell(TELL.WAKE, 0)
  }
}

function callStreaming(run: Handler, current: Call, event: unknown, context: LambdaContext): unknown {
  const opened = openAnswer(current, highWaterMarkOf(run))
  opened.run(() => run(event, opened.stream, context))
  return NOT_YET
}

function openAnswer(current: Call, highWaterMark: unknown): OpenedStream {
  const { openStream } = require('./stream-call.guest.ts') as typeof import('./stream-call.guest.ts')
  const opened = openStream(current.live, streamLimits, highWaterMark, {
    http: current.http,
    alive: () => call === current && !current.settled,
    succeed: (answer) => {
      if (current.settled) return
      if (typeof answer === 'object' && 'statusCode' in answer) settleHttp(current, answer)
      else answerBytes(current, answer)
    },
    fail: (error) => fail(current, error)
  })
  stream = opened.stream
  return opened
}

/** The client took bytes of the stream, or is gone. */
function credit(bytes: number): void {
  try {
    if (bytes >= STREAM_CLOSED_CREDIT) stream?.abandon()
    else stream?.grant(bytes)
  } catch (error) {
    uncaught(error)
  }
}

function callFetch(current: Call, event: unknown, context: LambdaContext): unknown {
  const { runFetch } = require('./http-fetch.guest.ts') as typeof import('./http-fetch.guest.ts')
  const live: LiveAnswer = (statusCode, headers, write) => {
    const opened = openAnswer(current, undefined)
    opened.stream.setHead(statusCode, headers)
    opened.run(() => write(opened.stream))
    return NOT_YET
  }
  const target = fetchHandler as { fetch: () => unknown }
  return runFetch(target, event, context, current.http, current.live && current.http ? live : undefined)
}

function settle(current: Call, value: unknown): void {
  if (current.settled || value === NOT_YET) return
  try {
    if (current.http) settleHttp(current, answerHttp(value))
    else answer(current, STATUS_OK, jsonStringify(value) ?? 'null')
  } catch (error) {
    fail(current, error)
  }
}

function settleHttp(current: Call, { statusCode, headers, body }: HttpAnswer): void {
  if (isTooLarge(body)) {
    answer(current, STATUS_ERROR, tooLargeJson())
    return
  }
  current.settled = true
  closeLogs()
  tellMore(TELL.ANSWER, STATUS_OK, body, statusCode, headers)
}

function fail(current: Call, error: unknown): void {
  if (current.settled || error instanceof ExitSignal) return
  const json = errorJson(error)
  logError(INVOKE_ERROR + json)
  answer(current, STATUS_ERROR, json)
}

function answerBytes(current: Call, body: string | Uint8Array): void {
  if (isTooLarge(body)) {
    answer(current, STATUS_ERROR, tooLargeJson())
    return
  }
  current.settled = true
  closeLogs()
  tell(TELL.ANSWER, STATUS_OK, body)
}

function answer(current: Call, status: number, body: string): void {
  if (current.settled) return
  current.settled = true
  closeLogs()
  if (isTooLarge(body)) tell(TELL.ANSWER, STATUS_ERROR, tooLargeJson())
  else tell(TELL.ANSWER, status, body)
}

/** Thrown by a timer or a tick: nobody can catch it any more, but the function may listen. */
function uncaught(thrown: unknown): void {
  if (thrown instanceof ExitSignal) return
  let error = thrown
  try {
    if (wasErrorHandled(error)) return
  } catch (another) {
    if (another instanceof ExitSignal) return
    error = another
  }
  if (call !== undefined && !call.settled) fail(call, error)
  else logError(`Uncaught Exception\t${errorJson(error)}`)
}

onTickError((error) => {
  uncaught(error)
  return !(error instanceof ExitSignal)
})
