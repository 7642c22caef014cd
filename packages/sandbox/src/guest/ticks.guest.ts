import { inContext } from './async-context.guest.ts'
import { promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'

/**
 * process.nextTick: after the code that runs, before promise callbacks. That holds for what an entry into the isolate runs at once; among
 * promise callbacks nobody can tell here when the last one is done, so a tick is one of them.
 */
let ticks: (() => unknown)[] = []
let entries = 0
let scheduled = false

export function nextTick(run: (...values: unknown[]) => void, ...values: unknown[]): void {
  if (typeof run !== 'function') {
    const shown = run === null ? 'null' : typeof run === 'object' ? 'an instance of Object' : `type ${typeof run}`
    throw Object.assign(new TypeError(`The "callback" argument must be of type function. Received ${shown}`), {
      code: 'ERR_INVALID_ARG_TYPE'
    })
  }
  const bound = inContext(run)
  ticks.push(values.length === 0 ? bound : () => bound(...values))
  if (entries > 0 || scheduled) return
  scheduled = true
  reflectApply(promiseThen, promiseResolve(undefined), [drain])
}

export function beginEntry(): void {
  entries = 1
}

/** Whether this runs within an entry, and not among the promise callbacks after it. */
export function isEntered(): boolean {
  return entries > 0
}

/** @throws what a tick throws; the rest runs later */
export function endEntry(): void {
  try {
    if (ticks.length > 0) drain()
  } finally {
    entries = 0
  }
}

function drain(): void {
  scheduled = false
  let done = 0
  try {
    while (done < ticks.length) (ticks[done++] as () => unknown)()
    ticks = []
  } catch (error) {
    ticks = ticks.slice(done)
    if (ticks.length > 0) {
      scheduled = true
      reflectApply(promiseThen, promiseResolve(undefined), [drain])
    }
    throw error
  }
}
