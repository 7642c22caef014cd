/**
 * Modules of Node that functions do not have. The author's own import of one fails at deployment; packages often import one without using it,
 * so there it is a module whose every function throws, saying which.
 */
const nothing = () => undefined

const KNOWN: Record<string, Record<string, unknown>> = {
  worker_threads: {
    isMainThread: true,
    isInternalThread: false,
    threadId: 0,
    parentPort: null,
    workerData: null,
    markAsUncloneable: nothing,
    markAsUntransferable: nothing,
    isMarkedAsUntransferable: () => false
  },
  cluster: { isMaster: true, isPrimary: true, isWorker: false, workers: {} },
  http2: { constants: { HTTP2_HEADER_PATH: ':path', HTTP2_HEADER_METHOD: ':method', HTTP2_HEADER_STATUS: ':status' } },
  inspector: { url: nothing },
  v8: { startupSnapshot: { isBuildingSnapshot: () => false } }
}

export function absentModule(name: string): object {
  const made = new Map<PropertyKey, unknown>()
  const members = new Proxy(Object.create(null) as Record<PropertyKey, unknown>, {
    get(_target, member) {
      if (typeof member === 'symbol' || member === 'then' || member === '__esModule' || member === 'default') return undefined
      if (!made.has(member)) made.set(member, refuser(name, member))
      return made.get(member)
    },
    has: (_target, member) => typeof member === 'string' && member !== 'then' && member !== '__esModule',
    getPrototypeOf: () => Object.prototype
  })
  // Members lie in the prototype, so that what copies a module's own properties (bundlers do) still reaches them.
  return Object.assign(Object.create(members) as object, KNOWN[name] ?? {})
}

function refuser(name: string, member: string): unknown {
  return function absent() {
    throw Object.assign(new Error(`node:${name} does not exist inside functions: ${name}.${member} can't be used`), {
      code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
    })
  }
}
