import { loadedChunk } from './chunks.guest.ts'
import { DOMException } from './dom-exception.guest.ts'

/** Deeper than any data; what recursion of this function can bear. */
const DEPTH_MAX = 2_000

const tagOf = Object.prototype.toString
const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError
}

function refuse(what: string): never {
  throw new DOMException(`${what} could not be cloned.`, 'DataCloneError')
}

/** A deep copy by the standard's rules: cycles, maps, sets, dates, errors, buffers and blobs; functions and symbols are refused. */
export function structuredClone(...args: [value?: unknown, options?: { transfer?: unknown[] } | undefined]): unknown {
  if (args.length === 0) throw new TypeError('The "value" argument must be specified')
  const transfer = [...(args[1]?.transfer ?? [])]
  const marked = new Set<ArrayBuffer>()
  for (const buffer of transfer) {
    if (!(buffer instanceof ArrayBuffer)) refuse(describe(buffer))
    if (marked.has(buffer)) throw new DOMException('a buffer is transferred twice', 'DataCloneError')
    if (buffer.detached) refuse('a detached ArrayBuffer')
    marked.add(buffer)
  }
  const seen = () => new Map<object, unknown>([...marked].map((buffer) => [buffer, buffer]))
  // Nothing is emptied where anything is refused: so all of it is looked at before.
  if (marked.size > 0) clone(args[0], seen(), 0, (buffer) => buffer)
  const transferred = new Map<unknown, ArrayBuffer>()
  const copy = clone(args[0], seen(), 0, (buffer) => {
    const known = transferred.get(buffer)
    if (known !== undefined) return known
    const made = buffer.transfer()
    transferred.set(buffer, made)
    return made
  })
  for (const buffer of transfer) if (!transferred.has(buffer)) (buffer as ArrayBuffer).transfer()
  return copy
}

type Take = (buffer: ArrayBuffer) => ArrayBuffer

function clone(value: unknown, seen: Map<object, unknown>, depth: number, take: Take): unknown {
  if (typeof value === 'symbol') refuse(String(value))
  if (typeof value === 'function') refuse(describe(value))
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) throw new RangeError(`a value deeper than ${DEPTH_MAX} levels cannot be cloned`)
  const known = seen.get(value)
  if (known === value) {
    const moved = take(value as ArrayBuffer)
    seen.set(value, moved)
    return moved
  }
  if (known !== undefined) return known
  const keep = <Made>(made: Made): Made => {
    seen.set(value, made)
    return made
  }
  const next = (item: unknown) => clone(item, seen, depth + 1, take)
  if (Array.isArray(value)) {
    const made = keep(new Array(value.length))
    return copyMembers(value, made, next)
  }
  if (value instanceof Date) return keep(new Date(value.getTime()))
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags))
  if (value instanceof Boolean || value instanceof Number || value instanceof String) return keep(Object(value.valueOf()))
  if (tagOf.call(value) === '[object BigInt]') return keep(Object(BigInt.prototype.valueOf.call(value as unknown as bigint)))
  if (value instanceof Map) {
    const made = keep(new Map())
    for (const [key, item] of [...value]) made.set(next(key), next(item))
    return made
  }
  if (value instanceof Set) {
    const made = keep(new Set())
    for (const item of [...value]) made.add(next(item))
    return made
  }
  if (value instanceof ArrayBuffer) return keep(value.slice(0))
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, next))
  if (value instanceof Error) return keep(cloneError(value, next))
  const platform = clonePlatform(value)
  if (platform !== undefined) return keep(platform)
  if (isUncloneable(value)) refuse(describe(value))
  return copyMembers(value, keep({}), next)
}

function copyMembers(from: object, to: object, next: (item: unknown) => unknown): object {
  for (const key of Object.keys(from)) {
    const copy = next((from as Record<string, unknown>)[key])
    Object.defineProperty(to, key, { value: copy, writable: true, enumerable: true, configurable: true })
  }
  return to
}

function cloneView(view: ArrayBufferView, next: (item: unknown) => unknown): unknown {
  // Before its buffer moves away from beneath it.
  const at = view.byteOffset
  const name = view instanceof DataView ? 'DataView' : (view as Uint8Array)[Symbol.toStringTag]
  const make = (globalThis as unknown as Record<string, new (buffer: unknown, at: number, length: number) => unknown>)[name]
  const length = view instanceof DataView ? view.byteLength : (view as Uint8Array).length
  if (make === undefined) refuse(describe(view))
  return new make(next(view.buffer), at, length)
}

function cloneError(error: Error, next: (item: unknown) => unknown): Error {
  if (error instanceof DOMException) return new DOMException(error.message, error.name)
  const name = String(error.name)
  const make = Object.hasOwn(ERRORS, name) ? (ERRORS[name] as ErrorConstructor) : Error
  const made = new make(undefined)
  const hide = (key: string, value: unknown) =>
    Object.defineProperty(made, key, { value, writable: true, enumerable: false, configurable: true })
  if (Object.hasOwn(error, 'message')) hide('message', String(error.message))
  hide('stack', String(error.stack))
  if (Object.hasOwn(error, 'cause')) hide('cause', next(error.cause))
  return made
}

/** Objects of the web that may be copied: immutable ones are the same again. */
function clonePlatform(value: object): object | undefined {
  const blobs = loadedChunk('blob') as typeof import('./chunks/blob.guest.ts') | undefined
  if (blobs?.isBlob(value) === true) {
    if (!(value instanceof blobs.File)) return new blobs.Blob([value], { type: value.type })
    return new blobs.File([value], value.name, { type: value.type, lastModified: value.lastModified })
  }
  const keys = loadedChunk('crypto-key') as typeof import('./chunks/crypto-key.guest.ts') | undefined
  return keys?.isKey(value) === true ? value : undefined
}

function isUncloneable(value: object): boolean {
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef || value instanceof Promise) return true
  const tag = tagOf.call(value).slice(8, -1)
  return UNCLONEABLE.has(tag)
}

/** Platform objects that the standard does not make serialisable. */
const UNCLONEABLE = new Set([
  'Generator',
  'AsyncGenerator',
  'URL',
  'URLSearchParams',
  'Headers',
  'Request',
  'Response',
  'FormData',
  'EventTarget',
  'Event',
  'AbortSignal',
  'AbortController',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'MessagePort',
  'SubtleCrypto',
  'Crypto'
])

function describe(value: unknown): string {
  if (typeof value === 'function') return Function.prototype.toString.call(value).slice(0, 60)
  return tagOf.call(value).replace('[object ', '#<').replace(/\]$/, '>')
}
