import { ASK } from '../bridge-operations.ts'
import { BUILTINS_ABSENT, BUILTINS_SUPPORTED } from '../builtins.ts'
import { asyncContext } from './async-context.guest.ts'
import { ask } from './bridge.guest.ts'
import { chunk } from './chunks.guest.ts'
import { log } from './console.guest.ts'
import { define, evaluate } from './intrinsics.guest.ts'
import type { Core } from './node/core.guest.ts'
import { logWarning } from './process-more.guest.ts'
import { markNodeErrors } from './stack-guard.guest.ts'

/** What the glue has itself; the rest is in the library, see guest/node. */
const LOADERS: Record<string, () => unknown> = {
  console: () => (globalThis as { console: unknown }).console,
  perf_hooks: () => {
    const { performance } = require('./performance.guest.ts') as typeof import('./performance.guest.ts')
    return (require('./performance-observer.guest.ts') as typeof import('./performance-observer.guest.ts')).perfHooks(performance)
  },
  process: () => (globalThis as { process: unknown }).process,
  timers: () => {
    const timers = { ...(require('./timers-module.guest.ts') as object) }
    Object.defineProperty(timers, 'promises', { enumerable: true, configurable: true, get: () => builtin('timers/promises') })
    return timers
  },
  // What bundles of other languages ask for; no name that a function could import.
  'peerless:wasm': () => chunk('wasm'),
  'peerless:python': () => chunk('python')
}
const IN_LIBRARY = new Set<string>(BUILTINS_SUPPORTED.filter((name) => !Object.hasOwn(LOADERS, name)))
const ABSENT_PREFIX = 'absent:'

type Library = (id: string) => unknown

/** For the library only. */
function inside(name: string): unknown {
  if (name === 'peerless:fetch') return chunk('fetch')
  if (name === 'peerless:listeners')
    return (require('./event-target.guest.ts') as typeof import('./event-target.guest.ts')).listenersOf
  return name === 'peerless:random' ? chance() : builtin(name)
}

function chance(): object {
  const { randomBytes, randomFillSync, randomInt, randomUUID, timingSafeEqual } =
    require('./crypto.guest.ts') as typeof import('./crypto.guest.ts')
  return {
    randomFill: (view: ArrayBufferView, done: (error: unknown, view: unknown) => void) =>
      queueMicrotask(() => done(null, randomFillSync(view))),
    randomBytes,
    randomFillSync,
    randomInt,
    randomUUID,
    timingSafeEqual
  }
}

const loaded = new Map<string, unknown>()
let makeLibrary: ((core: Core) => Library) | undefined
let library: Library | undefined

/** @param make the library's completion value, when the executor has evaluated it already */
export function offerLibrary(make: ((core: Core) => Library) | undefined): void {
  makeLibrary = make
}

/** Also Node's internal modules, for the glue. */
export function fromLibrary(name: string): unknown {
  if (library === undefined) {
    // Code that asks by a computed name, or for Buffer alone: it comes as text then, without V8's code cache.
    makeLibrary ??= evaluate(`${ask(ASK.LIBRARY)}\n//# sourceURL=node:library`) as (core: Core) => Library
    library = makeLibrary({ ask, log, builtin: inside, nodeErrors: markNodeErrors, context: asyncContext, logWarning })
  }
  return library(name)
}

/** Of the library: with what it needs itself. */
export function loadAhead(name: string): void {
  fromLibrary(name)
}

/** What a package imports of Node and functions do not have: the bundler writes the name with a prefix. */
function absent(name: string): unknown {
  const { absentModule } = require('./absent.guest.ts') as typeof import('./absent.guest.ts')
  const made = absentModule(name.slice(ABSENT_PREFIX.length), builtin)
  loaded.set(name, made)
  return made
}

export function builtin(alleged: unknown): unknown {
  const text = String(alleged)
  const name = text.startsWith('node:') ? text.slice(5) : text
  if (loaded.has(name)) return loaded.get(name)
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined
  if (name.startsWith(ABSENT_PREFIX) && BUILTINS_ABSENT.includes(name.slice(ABSENT_PREFIX.length))) return absent(name)
  if (load === undefined && !IN_LIBRARY.has(name)) {
    throw notFound(text)
  }
  const module = load === undefined ? fromLibrary(name) : withDefault(load())
  loaded.set(name, module)
  return module
}

function notFound(name: string): Error {
  const ofNode = name.startsWith('node:') || BUILTINS_ABSENT.includes(name)
  const where = ofNode ? 'among the node: modules of functions' : 'in the bundle'
  const why = name.endsWith('.node') ? 'functions load no machine code' : `it is not ${where}`
  return Object.assign(new Error(`Cannot find module '${name.slice(0, 100)}': ${why}`), { code: 'MODULE_NOT_FOUND' })
}

/** Of the glue's own ES modules `require` gives the members; a default export would mislead who imports from CommonJS. */
function withDefault(module: unknown): unknown {
  const holder = module as Record<string, unknown>
  if (typeof holder === 'object' && Object.hasOwn(holder, '__esModule')) {
    const copy: Record<string, unknown> = {}
    for (const name of Object.keys(holder)) if (name !== 'default') copy[name] = holder[name]
    return copy
  }
  return module
}

/** Node's `Console`, which writes to streams that it is given. */
export function consoleClass(): typeof globalThis.console.Console {
  return (fromLibrary('internal/console/constructor') as { Console: typeof globalThis.console.Console }).Console
}

/** Where a module lies the bundler has written into the call, for all that are there. */
function resolve(alleged: unknown): string {
  const name = String(alleged)
  if (name.startsWith('/') || BUILTINS_SUPPORTED.includes(name.replace(/^node:/, ''))) return name
  throw notFound(name)
}

export function installRequire(): void {
  define(globalThis, '__peerlessRequire', Object.assign(builtin, { resolve, cache: {}, main: undefined }))
}
