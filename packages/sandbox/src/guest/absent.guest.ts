import { absentDgram } from './absent-dgram.guest.ts'

/**
 * Modules of Node that functions do not have. The author's own import of one fails at deployment; packages often import one without using it,
 * so there it is a module whose every function throws, saying which.
 */
const nothing = () => undefined
const HEAP =
  'total_heap_size total_heap_size_executable total_physical_size used_heap_size malloced_memory peak_malloced_memory does_zap_garbage number_of_native_contexts number_of_detached_contexts total_global_handles_size used_global_handles_size external_memory'

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
  v8: {
    startupSnapshot: { isBuildingSnapshot: () => false },
    // Clients of search engines ask how much they may hold, metrics for all that there is; as `process.memoryUsage`, it tells nothing.
    getHeapStatistics: () => {
      const limit = (globalThis as unknown as { process: NodeJS.Process }).process.constrainedMemory()
      return {
        ...Object.fromEntries(HEAP.split(' ').map((name) => [name, 0])),
        heap_size_limit: limit,
        total_available_size: limit
      }
    },
    getHeapSpaceStatistics: () => [],
    getHeapCodeStatistics: () => ({ code_and_metadata_size: 0, bytecode_and_metadata_size: 0, external_script_source_size: 0 }),
    setFlagsFromString: nothing
  }
}

/** @param load asks for a module that there is */
export function absentModule(name: string, load: (name: string) => unknown): object {
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
  return Object.assign(Object.create(members) as object, name === 'dgram' ? absentDgram(load) : (KNOWN[name] ?? {}))
}

function refuser(name: string, member: string): unknown {
  return function absent() {
    throw Object.assign(new Error(`node:${name} does not exist inside functions: ${name}.${member} can't be used`), {
      code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
    })
  }
}
