import { logError } from './console.guest.ts'
import type { Event } from './event-target.guest.ts'
import { errorJson } from './function-error.guest.ts'
import { dispatchGlobal } from './global-events.guest.ts'
import { define, promiseThen, reflectApply } from './intrinsics.guest.ts'
import { emitProcess } from './process-events.guest.ts'
import { takeReadByHost } from './stack-guard.guest.ts'

type EventClass = new (type: string, options: object) => Event

const promiseReject = Promise.reject.bind(Promise)
let reporting = false

/** Made like this they need the chunk only where somebody listens. */
function eventOf(name: string, type: string, options: object): Event {
  const Class = (globalThis as unknown as Record<string, EventClass>)[name] as EventClass
  return new Class(type, { cancelable: true, ...options })
}

/**
 * Tells the function's own listeners of an error that nobody caught: `uncaughtException` of process, or the global object's `error`. Returns
 * whether it was dealt with. @throws what a listener of process throws
 */
export function wasErrorHandled(error: unknown): boolean {
  // A listener that throws reports, too.
  if (reporting) return false
  reporting = true
  try {
    if (emitProcess('uncaughtException', error, 'uncaughtException')) return true
    return dispatchGlobal(() => eventOf('ErrorEvent', 'error', { error, message: messageOf(error) }))
  } finally {
    reporting = false
  }
}

/** `reportError`: told to the listeners, and logged if none of them prevents it. */
export function report(error: unknown): void {
  if (!wasErrorHandled(error)) logError(`Uncaught Exception\t${errorJson(error)}`)
}

/**
 * The same for a rejection. The executor has a copy of what was rejected with; where it is an error whose stack was read for that copy, listeners get
 * the error itself.
 * @param name of an error, or undefined: then `value` is what was rejected with
 */
export function wasRejectionHandled(name: unknown, value: unknown, stack: unknown): boolean {
  const reason = typeof name === 'string' ? (takeReadByHost() ?? copyOf(name, value, stack)) : value
  // Rejected again, since the promise itself is not known; nobody needs to handle it.
  const promise = promiseReject(reason)
  reflectApply(promiseThen, promise, [undefined, () => undefined])
  const first = emitProcess('unhandledRejection', reason, promise)
  const prevented = dispatchGlobal(() => eventOf('PromiseRejectionEvent', 'unhandledrejection', { reason, promise }))
  return first || prevented
}

function copyOf(name: string, message: unknown, stack: unknown): Error {
  const known = (globalThis as unknown as Record<string, unknown>)[name]
  const Class = (typeof known === 'function' && known.prototype instanceof Error ? known : Error) as ErrorConstructor
  const error = new Class(String(message))
  define(error, 'stack', stack)
  if (error.name !== name) define(error, 'name', name)
  return error
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? `Uncaught ${error.name}: ${error.message}` : `Uncaught ${String(error)}`
  } catch {
    // It resists being looked at.
    return 'Uncaught'
  }
}
