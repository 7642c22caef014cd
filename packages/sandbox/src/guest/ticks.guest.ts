import { inContext } from './async-context.guest.ts'
import { promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'

/**
 * process.nextTick: after the code that runs, before promise callbacks. That holds for what an entry into the isolate runs at once; among
 * promise callbacks nobody can tell here when the last one is done, so a tick is one of them.
 */
let ticks: (() => unknown)[] = []
let entries = 0
let scheduled = false
let thrown: (error: unknown) => boolean = () => false

/** @param tell takes what a tick throws, and says whether the other ticks still run */
export function onTickError(tell: (error: unknown) => boolean): void {
  thrown = tell
}

/** @throws TypeError ERR_INVALID_ARG_TYPE for what cannot be called later */
export function assertCallback(run: unknown): void {
  if (typeof run === 'function') return
  const plain = run === null || run === undefined
  const quoted = typeof run === 'string' ? `'${run}'` : plain || typeof run !== 'object' ? String(run) : ''
  const shown = plain ? quoted : typeof run === 'object' ? 'an instance of Object' : `type ${typeof run} (${quoted})`
  throw Object.assign(new TypeError(`The "callback" argument must be of type function. Received ${shown}`), {
    code: 'ERR_INVALID_ARG_TYPE'
  })
}

export function nextTick(run: (...values: unknown[]) => void, ...values: unknown[]): void {
  assertCallback(run)
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

/** What a tick throws is nobody's to catch, whether it runs here or among promise callbacks. */
export function endEntry(): void {
  try {
    if (ticks.length > 0) drain()
  } finally {
    entries = 0
  }
}

function drain(): void {
  scheduled = false
  for (let done = 0; done < ticks.length; done++) if (!ranAlone(ticks[done] as () => unknown)) break
  ticks = []
}

/** Runs what nobody called: its error is the function's as one of a timer is. Returns whether other code may still run. */
export function ranAlone(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    return thrown(error)
  }
}
