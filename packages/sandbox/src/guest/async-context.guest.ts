import { define, promiseThen, reflectApply } from './intrinsics.guest.ts'

/**
 * The context that AsyncLocalStorage reads, carried from where a callback is handed over to where it runs. V8 can do that for `await` too,
 * but isolated-vm does not give access to it. So for bundles that ask for async_hooks `await` is compiled down to `Promise.prototype.then`
 * (packages/bundle), and this wraps what `then`, timers and ticks are given. Nothing is wrapped before someone asks.
 */
let frame: unknown
let following = false

export const asyncContext = {
  get: (): unknown => frame,
  set: (value: unknown): void => {
    frame = value
  },
  follow
}

/** Called around each entry from outside: no frame of one survives into the next. */
export function leaveContext(): void {
  frame = undefined
}

/** `run` in the frame that is current now. */
export function inContext<Run extends (...values: never[]) => unknown>(run: Run): Run {
  if (!following || frame === undefined) return run
  const captured = frame
  return function (this: unknown, ...values: never[]): unknown {
    const before = frame
    frame = captured
    try {
      return reflectApply(run, this, values)
    } finally {
      frame = before
    }
  } as Run
}

function follow(): void {
  if (following) return
  following = true
  define(Promise.prototype, 'then', function then(this: unknown, fulfilled: unknown, rejected: unknown) {
    return reflectApply(promiseThen, this, [wrapped(fulfilled), wrapped(rejected)])
  })
  const original = Promise.resolve
  define(Promise, 'resolve', function resolve(this: unknown, value: unknown) {
    return reflectApply(original, this, [frame === undefined ? value : followThenable(value)])
  })
}

/** Always in the frame of now, also in none: a callback that was handed over outside must not see what is set when it runs. */
function wrapped(run: unknown): unknown {
  if (typeof run !== 'function') return run
  const captured = frame
  return (value: unknown) => {
    const before = frame
    frame = captured
    try {
      return reflectApply(run as () => unknown, undefined, [value])
    } finally {
      frame = before
    }
  }
}

/** A foreign thenable's `then` is called in a microtask of its own: it too belongs to who awaited it. */
function followThenable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Promise) return value
  const then = (value as { then?: unknown }).then
  if (typeof then !== 'function') return value
  // biome-ignore lint/suspicious/noThenProperty: it stands in for the thenable
  return { then: inContext((resolve: unknown, reject: unknown) => reflectApply(then, value, [resolve, reject])) }
}
