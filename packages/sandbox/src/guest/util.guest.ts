import { log } from './console.guest.ts'
import { isDeepStrictEqual } from './deep-equal.guest.ts'
import { TextDecoder, TextEncoder } from './encoding.guest.ts'
import { format, formatWithOptions, inspect } from './inspect.guest.ts'
import * as types from './util-types.guest.ts'

type AnyFunction = (this: unknown, ...values: unknown[]) => unknown

const customPromisify = Symbol.for('nodejs.util.promisify.custom')

export function promisify(original: AnyFunction): AnyFunction {
  const custom = (original as unknown as Record<symbol, unknown>)[customPromisify]
  if (typeof custom === 'function') return custom as AnyFunction
  return function (this: unknown, ...values: unknown[]) {
    return new Promise((resolve, reject) => {
      original.call(this, ...values, (error: unknown, value: unknown) => {
        if (error !== null && error !== undefined) reject(error)
        else resolve(value)
      })
    })
  }
}
promisify.custom = customPromisify

export function callbackify(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...values: unknown[]) {
    const done = values.pop() as (error: unknown, value?: unknown) => void
    Promise.resolve(original.apply(this, values)).then(
      (value) => queueMicrotask(() => done(null, value)),
      (error) => queueMicrotask(() => done(error))
    )
  }
}

export function inherits(child: { prototype: object; super_?: unknown }, parent: { prototype: object }): void {
  child.super_ = parent
  Object.setPrototypeOf(child.prototype, parent.prototype)
}

const warned = new Set<string>()

export function deprecate(run: AnyFunction, message: string): AnyFunction {
  return function (this: unknown, ...values: unknown[]) {
    if (!warned.has(message) && warned.size < 1_000) {
      warned.add(message)
      log(2, `DeprecationWarning: ${message}`)
    }
    return run.apply(this, values)
  }
}

export function debuglog(): AnyFunction & { enabled: boolean } {
  return Object.assign(() => undefined, { enabled: false })
}

export function stripVTControlCharacters(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what it removes
  return String(text).replace(/[\u001b\u009b][[()#;?]*(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]/g, '')
}

export const debug = (): ReturnType<typeof debuglog> => debuglog()
export const toUSVString = (text: unknown): string => String(text).toWellFormed()
export const styleText = (_format: unknown, text: string): string => text
export const isArray = Array.isArray
export { format, formatWithOptions, inspect, isDeepStrictEqual, TextDecoder, TextEncoder, types }
