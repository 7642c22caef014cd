/**
 * The only two functions of the host in this isolate. They stay in this closure: guest code can't name them, and what crosses is
 * copied. `later` is handed on and not waited for; `at once` waits for the executor's own thread.
 */
type Cross = (operation: number, a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown

/** What is asked is copied into the executor, where no limit of an isolate counts it. */
const ASK_SIZE_MAX = 33_554_432
const TooLarge = RangeError

let later: Cross
let atOnce: Cross
let direct = false

export function connectBridge(tellLater: Cross, tellAtOnce: Cross): void {
  later = tellLater
  atOnce = tellAtOnce
}

/** Whether the executor waits for this entry on its own thread: then telling at once costs least and keeps the order. */
export function setDirect(value: boolean): void {
  direct = value
}

export function tell(operation: number, a: unknown, b?: unknown): void {
  if (direct) atOnce(operation, a, b)
  else later(operation, a, b)
}

export function tellMore(operation: number, a: unknown, b: unknown, c: unknown, d: unknown): void {
  if (direct) atOnce(operation, a, b, c, d)
  else later(operation, a, b, c, d)
}

export function ask(operation: number, a?: unknown, b?: unknown, c?: unknown, d?: unknown): unknown {
  if (sizeOf(a) + sizeOf(b) + sizeOf(c) > ASK_SIZE_MAX) {
    throw new TooLarge(`${sizeOf(a) + sizeOf(b) + sizeOf(c)} characters or bytes in one step must be at most ${ASK_SIZE_MAX}`)
  }
  return atOnce(operation, a, b, c, d)
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  return typeof value === 'object' && value !== null ? (value as Uint8Array).byteLength : 0
}
