import { TELL, TIMERS_MAX } from '../bridge-operations.ts'
import { inContext } from './async-context.guest.ts'
import { tell } from './bridge.guest.ts'
import { define, now, reflectApply } from './intrinsics.guest.ts'
import { assertCallback } from './ticks.guest.ts'

type Run = (...values: unknown[]) => void

/** Longest delay, as in Node: more does not fit 31 bits and means 1 ms. */
const DELAY_MS_MAX = 2_147_483_647

/**
 * Timers live in the isolate, in a heap by time; the executor keeps one timer per instance, for the earliest. Each entry from outside
 * runs one, so that promises settle between two, as in Node. Between invocations nobody enters: they are frozen.
 */
class Timeout {
  at: number
  order: number
  run: Run | undefined
  values: unknown[]
  everyMs: number
  readonly delayMs: number
  /** Has fired or was cancelled; the name is Node's, which some ask for. A timer that has fired can be started again by `refresh`. */
  _destroyed = true
  /** Whether answers through a callback wait for it. */
  #counts = true

  constructor(run: Run, delayMs: number, every: boolean, values: unknown[]) {
    this.delayMs = delayMs
    this.at = now() + delayMs
    this.order = ++orders
    this.run = run
    this.values = values
    this.everyMs = every ? delayMs : 0
    this.begin()
  }

  ref(): this {
    if (#counts in this) {
      if (!this.#counts && !this._destroyed) referenced++
      this.#counts = true
    }
    return this
  }

  unref(): this {
    if (#counts in this) {
      if (this.#counts && !this._destroyed) referenced--
      this.#counts = false
    }
    return this
  }

  hasRef(): boolean {
    return this.#counts
  }

  /** Pending from now on. */
  begin(): void {
    if (!this._destroyed) return
    this._destroyed = false
    live.set(this.order, this)
    if (this.#counts) referenced++
  }

  end(): void {
    if (this._destroyed) return
    this._destroyed = true
    live.delete(this.order)
    if (this.#counts) referenced--
  }

  refresh(): this {
    if (this.run === undefined) return this
    this.at = now() + this.delayMs
    this.begin()
    // Its old place in the heap may be too early: a second entry is harmless, because each checks the time again.
    push(this)
    return this
  }

  close(): this {
    cancel(this)
    return this
  }

  [Symbol.toPrimitive](): number {
    return this.order
  }

  [Symbol.dispose](): void {
    cancel(this)
  }
}

let orders = 0
let armedAt = Number.POSITIVE_INFINITY
const live = new Map<number, Timeout>()
/** Those of them that were not taken out by `unref`. */
let referenced = 0
const heap: { at: number; timeout: Timeout }[] = []

function push(timeout: Timeout): void {
  const entry = { at: timeout.at, timeout }
  let index = heap.length
  heap[index] = entry
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent] as (typeof heap)[0]
    if (!before(entry, above)) break
    heap[index] = above
    index = parent
  }
  heap[index] = entry
  arm()
}

function pop(): Timeout {
  const first = heap[0] as (typeof heap)[0]
  const last = heap[heap.length - 1] as (typeof heap)[0]
  heap.length--
  if (heap.length > 0) {
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      const right = child + 1
      if (right < heap.length && before(heap[right] as (typeof heap)[0], heap[child] as (typeof heap)[0])) child = right
      if (!before(heap[child] as (typeof heap)[0], last)) break
      heap[index] = heap[child] as (typeof heap)[0]
      index = child
    }
    heap[index] = last
  }
  return first.timeout
}

function before(a: (typeof heap)[0], b: (typeof heap)[0]): boolean {
  return a.at < b.at || (a.at === b.at && a.timeout.order < b.timeout.order)
}

function dropCancelled(): void {
  while (heap.length > 0) {
    const { timeout, at } = heap[0] as (typeof heap)[0]
    if (!timeout._destroyed && timeout.at === at) return
    pop()
  }
}

function arm(): void {
  dropCancelled()
  const at = heap[0]?.at
  if (at === undefined || at >= armedAt) return
  armedAt = at
  tell(TELL.WAKE, Math.max(0, at - now()))
}

function cancel(timeout: Timeout): void {
  timeout.run = undefined
  timeout.values = []
  timeout.end()
}

/** Milliseconds as timers take them: no fractions, and one where it is less or too much. */
function delayOf(asked: number): number {
  return asked >= 1 && asked <= DELAY_MS_MAX ? Math.trunc(asked) : 1
}

function start(run: unknown, delayMs: number, every: boolean, values: unknown[]): Timeout {
  assertCallback(run)
  // Cancelled ones still in the heap count: they hold memory too. When most are cancelled they are swept.
  if (heap.length >= TIMERS_MAX) sweep()
  if (heap.length >= TIMERS_MAX) throw new RangeError(`${heap.length} timers are pending, at most ${TIMERS_MAX}`)
  const timeout = new Timeout(inContext(run as Run), delayMs, every, values)
  push(timeout)
  return timeout
}

function sweep(): void {
  const kept = heap.filter(({ timeout, at }) => !timeout._destroyed && timeout.at === at)
  heap.length = 0
  for (const { timeout } of kept) push(timeout)
}

/** Runs the earliest timer when it is due. What it throws is the caller's. */
export function fireTimer(): void {
  armedAt = Number.POSITIVE_INFINITY
  dropCancelled()
  const first = heap[0]
  if (first === undefined) return
  if (first.at > now()) {
    arm()
    return
  }
  const timeout = pop()
  const { run, values } = timeout
  if (timeout.everyMs > 0) {
    timeout.at = now() + timeout.everyMs
    push(timeout)
  } else {
    timeout.end()
  }
  try {
    reflectApply(run as Run, timeout, values)
  } finally {
    arm()
  }
}

export function timersPending(): boolean {
  return referenced > 0
}

/** Timers of an earlier invocation go on when the instance is used again. */
export function resumeTimers(): void {
  // What was asked of the executor in an earlier invocation is forgotten there, also where nothing is left to fire.
  armedAt = Number.POSITIVE_INFINITY
  if (heap.length > 0) arm()
}

export const setTimeout = (run: unknown, delay?: unknown, ...values: unknown[]): Timeout =>
  start(run, delayOf(Number(delay)), false, values)
export const setInterval = (run: unknown, delay?: unknown, ...values: unknown[]): Timeout =>
  start(run, delayOf(Number(delay)), true, values)
export const setImmediate = (run: unknown, ...values: unknown[]): Timeout => start(run, 0, false, values)

/** `util.promisify` of these gives the forms of timers/promises, as the callback does not come last. */
for (const [name, timer] of Object.entries({ setTimeout, setImmediate })) {
  Object.defineProperty(timer, Symbol.for('nodejs.util.promisify.custom'), {
    get: () => {
      const { builtin } = require('./builtins.guest.ts') as typeof import('./builtins.guest.ts')
      return (builtin('timers/promises') as Record<string, unknown>)[name]
    },
    enumerable: true,
    configurable: true
  })
}

export function clearTimeout(handle: unknown): void {
  const timeout = handle instanceof Timeout ? handle : live.get(Number(handle))
  if (timeout !== undefined) cancel(timeout)
}

export function installTimers(): void {
  define(globalThis, 'setTimeout', setTimeout)
  define(globalThis, 'setInterval', setInterval)
  define(globalThis, 'setImmediate', setImmediate)
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) define(globalThis, name, clearTimeout)
}
