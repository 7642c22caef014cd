import { bare, define, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import type { MemoryBudget } from './memory-budget.guest.ts'
import { limitMemories, PAGE_BYTES } from './wasm-limits.guest.ts'

/** Bytes of one module. V8 itself takes 1 GB; no bundle is larger than this. */
const MODULE_BYTES_MAX = 67_108_864
/** Machine code, metadata and V8's copy of a module, per byte of it. */
const CODE_FACTOR = 4
/** A memory that declares no maximum, or more than is left, may grow to this part of what is left: others come after it. */
const SHARE = 0.75
/** Modules up to this are kept as they came, to be compiled again for a smaller memory. Parsers and codecs have some 100 KB; databases a few MB. */
const KEPT_BYTES_MAX = 4_194_304

type Constructor = new (...values: never[]) => object
type Construct = NonNullable<ProxyHandler<Constructor>['construct']>

/** What of the namespace is guarded; TypeScript declares WebAssembly for browsers only. */
interface Wasm {
  Module: Constructor
  Instance: Constructor
  Memory: Constructor
  CompileError: new (message: string) => Error
  validate: (...values: unknown[]) => boolean
}

const construct = Reflect.construct
const ownKeys = Reflect.ownKeys
const prototypeOf = Reflect.getPrototypeOf
const isView = ArrayBuffer.isView
const Bytes = Uint8Array
const Failed = TypeError
const TooLarge = RangeError
const typedPrototype = prototypeOf(Uint8Array.prototype) as object
const getterOf = (prototype: object, name: string) =>
  (Reflect.getOwnPropertyDescriptor(prototype, name) as { get(): unknown }).get
const typedBuffer = getterOf(typedPrototype, 'buffer')
const typedOffset = getterOf(typedPrototype, 'byteOffset')
const typedLength = getterOf(typedPrototype, 'byteLength')
const typedTag = getterOf(typedPrototype, Symbol.toStringTag as never)
const dataBuffer = getterOf(DataView.prototype, 'buffer')
const dataOffset = getterOf(DataView.prototype, 'byteOffset')
const dataLength = getterOf(DataView.prototype, 'byteLength')
const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength')
const weakMapGet = WeakMap.prototype.get
const weakMapSet = WeakMap.prototype.set
const weakSetHas = WeakSet.prototype.has
const weakSetAdd = WeakSet.prototype.add

/** Puts guards before everything by which guest code can get WebAssembly memory, so that all memories together stay within the budget. */
export function guardWasm(budget: MemoryBudget): void {
  const wasm = (globalThis as { WebAssembly?: Wasm }).WebAssembly
  if (wasm === undefined) return
  const { Module, Instance, Memory, CompileError, validate } = wasm
  const exportsOf = getterOf(Instance.prototype, 'exports')
  const pagesOfModule = new WeakMap<object, number[]>()
  const sources = new WeakMap<object, { bytes: Uint8Array; options: unknown }>()
  const known = new WeakSet<object>()

  /** Pages that a memory may have at most. */
  const pagesFor = (initial: number, maximum: number | undefined): number => {
    const left = Math.floor(budget.left / PAGE_BYTES)
    if (maximum !== undefined && maximum <= left) return maximum
    return Math.max(initial, Math.floor(left * SHARE))
  }

  const guardedModule: Constructor = guarded(Module, (target, args, newTarget) => {
    const bytes = copyOf(args[0])
    const entry = budget.reserve(bytes.length * CODE_FACTOR, 'a WebAssembly module')
    // What an earlier module of this isolate left behind must not make this one's share smaller.
    budget.makeRoom(budget.bytesMax / 2)
    const limited = limitMemories(bytes, pagesFor)
    if (limited !== undefined && 'refused' in limited) {
      budget.release(entry)
      throw new CompileError(`WebAssembly.Module(): ${limited.refused}`)
    }
    try {
      const values = [limited === undefined ? bytes : limited.bytes, args[1]]
      const module = construct(target, values, newTarget === guardedModule ? target : newTarget) as object
      if (limited === undefined) throw new CompileError('WebAssembly.Module(): the memory section cannot be read')
      reflectApply(weakMapSet, pagesOfModule, [module, limited.pagesMax])
      if (limited.pagesMax.length > 0 && bytes.length <= KEPT_BYTES_MAX) {
        reflectApply(weakMapSet, sources, [module, { bytes, options: args[1] }])
      }
      budget.hold(entry, module)
      return module
    } catch (error) {
      budget.release(entry)
      throw error
    }
  })

  const guardedInstance: Constructor = guarded(Instance, (target, args, newTarget) => {
    let module = args[0] as object
    let pages = reflectApply(weakMapGet, pagesOfModule, [module]) as number[] | undefined
    if (pages === undefined) throw new Failed('WebAssembly.Instance(): Argument 0 must be a WebAssembly.Module')
    let bytes = bytesOf(pages)
    const source = reflectApply(weakMapGet, sources, [module]) as { bytes: Uint8Array; options: unknown } | undefined
    if (bytes > budget.left && source !== undefined) {
      budget.makeRoom(bytes, true)
      // Its share is from before others took theirs, or it is instantiated once more: then it gets one of what is left.
      if (bytes > budget.left) {
        module = construct(guardedModule, [source.bytes, source.options]) as object
        pages = reflectApply(weakMapGet, pagesOfModule, [module]) as number[]
        bytes = bytesOf(pages)
      }
    }
    const entry = bytes === 0 ? undefined : budget.reserve(bytes, 'WebAssembly memory')
    const instance = construct(target, [module, args[1]], newTarget === guardedInstance ? target : newTarget) as object
    if (entry === undefined) return instance
    // A memory that is not exported cannot be seen to go: its share stays taken.
    const own = newMemories(reflectApply(exportsOf, instance, []) as object)
    if (own.length === pages.length && own.length === 1) budget.hold(entry, own[0] as object)
    return instance
  })

  const newMemories = (exports: object): object[] => {
    const found: object[] = bare([])
    const keys = ownKeys(exports)
    for (let index = 0; index < keys.length; index++) {
      const value = (exports as Record<PropertyKey, unknown>)[keys[index] as string]
      if (typeof value !== 'object' || value === null || prototypeOf(value) !== Memory.prototype) continue
      if (reflectApply(weakSetHas, known, [value])) continue
      reflectApply(weakSetAdd, known, [value])
      found[found.length] = value
    }
    return found
  }

  const guardedMemory: Constructor = guarded(Memory, (target, args, newTarget) => {
    const alleged = args[0] as Record<string, unknown>
    if (typeof alleged !== 'object' || alleged === null) {
      throw new Failed('WebAssembly.Memory(): Argument 0 must be a memory descriptor')
    }
    const { address, shared, maximum } = alleged
    const initial = pagesOf(alleged.initial ?? alleged.minimum, 'initial')
    if (shared) throw new Failed('WebAssembly.Memory(): shared memories are not available')
    const declared = maximum === undefined ? undefined : pagesOf(maximum, 'maximum')
    if (declared !== undefined && declared < initial) {
      throw new TooLarge(`WebAssembly.Memory(): maximum ${declared} must be at least initial ${initial}`)
    }
    budget.makeRoom(budget.bytesMax / 2)
    const pages = pagesFor(initial, declared)
    const entry = budget.reserve(pages * PAGE_BYTES, 'WebAssembly memory')
    try {
      const wide = address === 'i64'
      const descriptor = wide ? { initial: BigInt(initial), maximum: BigInt(pages), address: 'i64' } : { initial, maximum: pages }
      // V8 looks for `shared` and `address`, too.
      const memory = construct(target, [bare(descriptor)], newTarget === guardedMemory ? target : newTarget) as object
      budget.hold(entry, memory)
      reflectApply(weakSetAdd, known, [memory])
      return memory
    } catch (error) {
      budget.release(entry)
      throw error
    }
  })

  const compile = async (bytes: unknown, options: unknown) => construct(guardedModule, [bytes, options]) as object
  const instantiate = (source: unknown, imports: unknown, options: unknown): Promise<unknown> =>
    reflectApply(promiseThen, promiseResolve(undefined), [
      () => {
        const compiled = typeof source === 'object' && source !== null && reflectApply(weakMapGet, pagesOfModule, [source])
        if (compiled) return construct(guardedInstance, [source, imports])
        const module = construct(guardedModule, [source, options]) as object
        return { module, instance: construct(guardedInstance, [module, imports]) as object }
      }
    ]) as Promise<unknown>

  define(wasm, 'Module', guardedModule)
  define(wasm, 'Instance', guardedInstance)
  define(wasm, 'Memory', guardedMemory)
  define(wasm, 'compile', compile)
  define(wasm, 'instantiate', instantiate)
  define(wasm, 'validate', (bytes: unknown, options: unknown) => reflectApply(validate, wasm, [copyOf(bytes), options]))
  define(Module.prototype, 'constructor', guardedModule)
  define(Instance.prototype, 'constructor', guardedInstance)
  define(Memory.prototype, 'constructor', guardedMemory)
  // Each suspended call would hold a stack outside the heap.
  for (const name of ['Suspending', 'promising', 'SuspendError']) delete (wasm as unknown as Record<string, unknown>)[name]
}

function bytesOf(pages: readonly number[]): number {
  let bytes = 0
  for (let index = 0; index < pages.length; index++) bytes += (pages[index] as number) * PAGE_BYTES
  return bytes
}

function guarded(target: Constructor, make: Construct): Constructor {
  return new Proxy(target, bare({ construct: make }))
}

function pagesOf(alleged: unknown, name: string): number {
  const pages = Number(alleged)
  if (Number.isInteger(pages) && pages >= 0) return pages
  throw new Failed(`WebAssembly.Memory(): ${name} must be an integer from 0`)
}

/** The bytes as they are now: nothing that guest code changes afterwards is compiled. */
function copyOf(source: unknown): Uint8Array {
  let view: Uint8Array
  if (isView(source)) {
    const typed = reflectApply(typedTag, source, []) !== undefined
    const part = (ofTyped: () => unknown, ofData: () => unknown) => reflectApply(typed ? ofTyped : ofData, source, [])
    view = new Bytes(
      part(typedBuffer, dataBuffer) as ArrayBuffer,
      part(typedOffset, dataOffset) as number,
      part(typedLength, dataLength) as number
    )
  } else {
    try {
      reflectApply(bufferLength, source, [])
    } catch {
      throw new Failed('WebAssembly.Module(): Argument 0 must be a buffer source')
    }
    view = new Bytes(source as ArrayBuffer)
  }
  if (view.length > MODULE_BYTES_MAX) {
    throw new TooLarge(`WebAssembly.Module(): a module of ${view.length} bytes must be at most ${MODULE_BYTES_MAX}`)
  }
  return new Bytes(view)
}
