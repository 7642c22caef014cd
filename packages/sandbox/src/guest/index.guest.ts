import { asyncContext, inContext } from './async-context.guest.ts'
import { connectBridge } from './bridge.guest.ts'
import { builtin, installRequire, offerLibrary } from './builtins.guest.ts'
import { configureLogs, makeConsole } from './console.guest.ts'
import { installGuards } from './guards.guest.ts'
import { caughtByScript, configureHandler, enter, type Identity } from './handler.guest.ts'
import { define, defineLazy, jsonParse, now, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import { configurePayload } from './payload-limit.guest.ts'
import { makeProcess } from './process.guest.ts'
import type { StreamLimits } from './response-stream.guest.ts'
import { installTimers } from './timers.guest.ts'

interface Config extends Identity {
  environment: Record<string, string>
  logLines: number
  logBytes: number
  logLineBytes: number
  payloadBytes: number
  stream: StreamLimits
  /** Whether the code asks for async_hooks. */
  asyncContext: boolean
}

/** Sets up the globals of one instance; returns the one function that the executor calls afterwards. */
export function boot(configJson: string, tellLater: never, tellAtOnce: never, library: never): typeof enter {
  const config = jsonParse(configJson) as Config
  installGuards(config.memoryMb)
  connectBridge(tellLater, tellAtOnce)
  configureHandler(config, config.stream)
  configurePayload(config.payloadBytes)
  configureLogs(config.logLines, config.logBytes, config.logLineBytes)
  installTimers()
  installRequire()
  offerLibrary(library)
  if (config.asyncContext) asyncContext.follow()
  define(globalThis, 'global', globalThis)
  define(globalThis, 'self', globalThis)
  define(globalThis, 'console', makeConsole())
  define(globalThis, 'process', makeProcess(config.environment))
  define(globalThis, '__peerlessCatch', caughtByScript)
  define(globalThis, 'queueMicrotask', (run: () => void) => {
    if (typeof run !== 'function') throw new TypeError('The "callback" argument must be of type function')
    const bound = inContext(run)
    reflectApply(promiseThen, promiseResolve(undefined), [() => bound()])
  })
  const timeOrigin = now()
  define(globalThis, 'performance', {
    timeOrigin,
    now: () => now() - timeOrigin,
    mark: () => undefined,
    measure: () => undefined
  })
  define(globalThis, 'fetch', async () => {
    throw new Error('outbound fetch is not available yet')
  })
  installLazily()
  return enter
}

function installLazily(): void {
  defineLazy('awslambda', () => (require('./awslambda.guest.ts') as typeof import('./awslambda.guest.ts')).awslambda)
  const encoding = () => require('./encoding.guest.ts') as typeof import('./encoding.guest.ts')
  for (const name of ['TextEncoder', 'TextDecoder', 'atob', 'btoa'] as const) defineLazy(name, () => encoding()[name])
  const url = () => require('./url.guest.ts') as typeof import('./url.guest.ts')
  for (const name of ['URL', 'URLSearchParams'] as const) defineLazy(name, () => url()[name])
  const events = () => require('./event-target.guest.ts') as typeof import('./event-target.guest.ts')
  const eventNames = ['Event', 'CustomEvent', 'EventTarget', 'AbortController', 'AbortSignal', 'DOMException'] as const
  for (const name of eventNames) defineLazy(name, () => events()[name])
  const web = () => require('./fetch-types.guest.ts') as typeof import('./fetch-types.guest.ts')
  for (const name of ['Headers', 'Request', 'Response'] as const) defineLazy(name, () => web()[name])
  const blob = () => require('./blob.guest.ts') as typeof import('./blob.guest.ts')
  for (const name of ['Blob', 'File'] as const) defineLazy(name, () => blob()[name])
  defineLazy('crypto', () => (require('./crypto.guest.ts') as typeof import('./crypto.guest.ts')).webcrypto)
  defineLazy('structuredClone', () => (require('./structured-clone.guest.ts') as { structuredClone: unknown }).structuredClone)
  defineLazy('Buffer', () => (builtin('buffer') as { Buffer: unknown }).Buffer)
}
