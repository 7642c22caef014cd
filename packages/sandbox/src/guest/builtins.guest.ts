import { define } from './intrinsics.guest.ts'

/** Loaded when it is first asked for: the bundler turns each `require` into a module that is evaluated then. */
const LOADERS: Record<string, () => unknown> = {
  assert: () => callable(require('unenv/node/assert')),
  'assert/strict': () => callable(require('unenv/node/assert/strict')),
  async_hooks: () => require('./async-hooks.guest.ts'),
  buffer: () => require('unenv/node/buffer'),
  console: () => (globalThis as { console: unknown }).console,
  crypto: () => require('./crypto.guest.ts'),
  events: () => callable(require('unenv/node/events')),
  os: () => require('unenv/node/os'),
  path: () => callable(require('unenv/node/path')),
  'path/posix': () => callable(require('unenv/node/path/posix')),
  perf_hooks: () => ({ performance: (globalThis as { performance: unknown }).performance }),
  process: () => (globalThis as { process: unknown }).process,
  querystring: () => require('unenv/node/querystring'),
  string_decoder: () => require('./string-decoder.guest.ts'),
  timers: () => require('./timers-module.guest.ts'),
  'timers/promises': () => (require('./timers-module.guest.ts') as { promises: unknown }).promises,
  url: () => require('unenv/node/url'),
  util: () => require('./util.guest.ts'),
  'util/types': () => require('./util-types.guest.ts')
}

const loaded = new Map<string, unknown>()

export function builtin(alleged: unknown): unknown {
  const text = String(alleged)
  const name = text.startsWith('node:') ? text.slice(5) : text
  if (loaded.has(name)) return loaded.get(name)
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined
  if (load === undefined) {
    throw Object.assign(new Error(`Cannot find module '${text.slice(0, 100)}': it is not among the node: modules of functions`), {
      code: 'MODULE_NOT_FOUND'
    })
  }
  const module = withDefault(load())
  loaded.set(name, module)
  return module
}

/** The default export where it stands for the module (a class or function that has the rest as properties), as CommonJS users expect. */
function callable(module: unknown): unknown {
  return (module as { default?: unknown }).default ?? module
}

/** `import x from 'node:y'` reads `default` of what `require` gives, `import { z }` its members. */
function withDefault(module: unknown): unknown {
  const holder = module as Record<string, unknown>
  if (typeof holder === 'object' && Object.hasOwn(holder, '__esModule')) {
    const copy: Record<string, unknown> = {}
    for (const name of Object.keys(holder)) if (name !== 'default') copy[name] = holder[name]
    return copy
  }
  return module
}

export function installRequire(): void {
  define(globalThis, '__peerlessRequire', builtin)
}
