import { parseEnv } from './parse-env.guest.ts'

const ALL_PROPERTIES = 0
const ONLY_ENUMERABLE = 2
const INDEX = /^(?:0|[1-9]\d{0,9})$/

/** Symbols that in Node are hidden from scripts. */
const privateSymbols = new Proxy({} as Record<string, symbol>, {
  get(target, name) {
    const text = String(name)
    target[text] ??= Symbol(text)
    return target[text]
  }
})

class WeakReference {
  readonly #target: WeakRef<object>
  #strong: object | undefined
  #count = 0

  constructor(target: object) {
    this.#target = new WeakRef(target)
  }

  get(): object | undefined {
    return this.#target.deref()
  }

  incRef(): void {
    this.#count++
    this.#strong = this.#target.deref()
  }

  decRef(): void {
    this.#count--
    if (this.#count === 0) this.#strong = undefined
  }

  /** Only so that the reference is held. */
  get held(): object | undefined {
    return this.#strong
  }
}

function getOwnNonIndexProperties(value: object, filter: number): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) => {
    if (typeof key === 'string' && INDEX.test(key)) return false
    return filter === ALL_PROPERTIES || Object.prototype.propertyIsEnumerable.call(value, key)
  })
}

function getConstructorName(value: object): string {
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at)) {
    const maker = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof maker === 'function' && maker.name !== '') return maker.name
  }
  return ''
}

interface CallSiteObject {
  functionName: string
  scriptId: string
  scriptName: string
  lineNumber: number
  columnNumber: number
  column: number
}

function getCallSites(count: number): CallSiteObject[] {
  const lines = (new Error().stack ?? '').split('\n').slice(3, 3 + count)
  return lines.map((line) => {
    const match = /^\s*at (?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/.exec(line)
    const columnNumber = Number(match?.[4] ?? 0)
    return {
      functionName: match?.[1] ?? '',
      scriptId: '0',
      scriptName: match?.[2] ?? '',
      lineNumber: Number(match?.[3] ?? 0),
      columnNumber,
      column: columnNumber
    }
  })
}

/** @param load the library's own */
export function makeBindingUtil(load: (id: string) => unknown): Record<string, unknown> {
  return {
    constants: {
      kPending: 0,
      kFulfilled: 1,
      kRejected: 2,
      kExiting: 0,
      kExitCode: 1,
      kHasExitCode: 2,
      ALL_PROPERTIES,
      ONLY_WRITABLE: 1,
      ONLY_ENUMERABLE,
      ONLY_CONFIGURABLE: 4,
      SKIP_STRINGS: 8,
      SKIP_SYMBOLS: 16,
      kDisallowCloneAndTransfer: 0,
      kTransferable: 1,
      kCloneable: 2
    },
    privateSymbols,
    shouldAbortOnUncaughtToggle: [0],
    WeakReference,
    getOwnNonIndexProperties,
    // Nobody can look into a promise or a proxy from inside, nor copy an iterator.
    getPromiseDetails: () => [0, undefined],
    getProxyDetails: () => undefined,
    getCallerLocation: () => undefined,
    previewEntries: (_value: unknown, isIterator?: boolean) => (isIterator === true ? [[], false] : []),
    getConstructorName,
    getExternalValue: () => 0n,
    getCallSites,
    sleep: () => undefined,
    // Nobody can tell in a bundle; so what Node says of old functions to authors alone, as a warning, is not said to those of packages.
    isInsideNodeModules: () => true,
    guessHandleType: () => 'PIPE',
    toUSVString: (text: string) => String(text).toWellFormed(),
    isConstructor: (value: unknown) => {
      try {
        Reflect.construct(Object, [], value as NewableFunction)
        return true
      } catch {
        // It can't be constructed.
        return false
      }
    },
    parseEnv,
    arrayBufferViewHasBuffer: () => true,
    isArrayBufferDetached: (buffer: ArrayBuffer) => buffer.detached,
    markPromiseAsHandled: (promise: Promise<unknown>) => {
      promise.then(undefined, () => undefined)
    },
    constructSharedArrayBuffer: () => {
      throw new Error('SharedArrayBuffer is not available')
    },
    defineLazyProperties(target: object, id: string, keys: string[], enumerable = true): void {
      for (const key of keys) {
        Object.defineProperty(target, key, {
          configurable: true,
          enumerable,
          get() {
            const value = (load(id) as Record<string, unknown>)[key]
            Object.defineProperty(target, key, { value, configurable: true, enumerable, writable: true })
            return value
          },
          set(value) {
            Object.defineProperty(target, key, { value, configurable: true, enumerable, writable: true })
          }
        })
      }
    }
  }
}

/** A thrown value that nobody can catch any more: listeners of `uncaughtException` hear of it, else the call fails with it. */
export function reportUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
