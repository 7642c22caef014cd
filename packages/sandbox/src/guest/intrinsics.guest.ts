/** What the glue uses after guest code has run is taken here, before it could change it. */
export const jsonParse = JSON.parse
export const jsonStringify = JSON.stringify
export const reflectApply = Reflect.apply
export const promiseThen = Promise.prototype.then
export const promiseResolve = Promise.resolve.bind(Promise)
export const now = Date.now
/** When this instance was made, not the isolate that waited for it; epoch milliseconds. */
export let timeOrigin = now()

export function beginTime(): void {
  timeOrigin = now()
}
export const IntrinsicPromise = Promise
export const IntrinsicError = Error
export const stringSlice = String.prototype.slice
export const stringSplit = String.prototype.split
/** Indirect: in the scope of the globals. */
// biome-ignore lint/security/noGlobalEval: the glue's own text, from the executor
export const evaluate = globalThis.eval

const setPrototypeOf = Object.setPrototypeOf

/**
 * Makes a list or an object inherit nothing. What guest code puts on `Array.prototype` is called by `list[list.length] = value`, and what it puts on
 * `Object.prototype` is a trap of each proxy whose handler has none of that name: it would be handed what the proxy guards.
 */
export function bare<T extends object>(value: T): T {
  return setPrototypeOf(value, null) as T
}

/** Non-enumerable, as the platform's own globals are. */
export function define(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}

/** A global that is made when it is first read. */
export function defineLazy(name: string, make: () => unknown): void {
  Object.defineProperty(globalThis, name, {
    get() {
      const value = make()
      define(globalThis, name, value)
      return value
    },
    set(value: unknown) {
      define(globalThis, name, value)
    },
    enumerable: false,
    configurable: true
  })
}
