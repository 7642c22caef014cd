import { DOMException } from './dom-exception.guest.ts'
import { enumerable, needs, refused } from './idl.guest.ts'
import { promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'

interface Entry {
  readonly name: string
  readonly entryType: string
  readonly startTime: number
}

interface Watching {
  types: readonly string[]
  /** By `type`, one after the other, or by `entryTypes`, each time anew: not both. */
  single: boolean
  callback: (list: PerformanceObserverEntryList, observer: PerformanceObserver) => unknown
  queued: Entry[]
}

/** What Node's observers take; of those that are not marks or measures there never are any. */
const TYPES = Object.freeze(['dns', 'function', 'gc', 'http', 'http2', 'mark', 'measure', 'net', 'quic', 'resource'])
/** Entries that wait for a callback; the oldest go. */
const QUEUED_MAX = 10_000
/** Above it the function leaks them. */
const OBSERVERS_MAX = 1_000

/** Marks and measures that `performance` keeps. */
export const timeline: Entry[] = []
const watching = new Map<PerformanceObserver, Watching>()
let scheduled = false

export function entriesSorted<One extends Entry>(list: readonly One[], name?: unknown, type?: unknown): One[] {
  const chosen = list.filter(
    (entry) => (name === undefined || entry.name === String(name)) && (type === undefined || entry.entryType === type)
  )
  return chosen.sort((a, b) => a.startTime - b.startTime)
}

export function tellObservers(entry: Entry): void {
  for (const { types, queued } of watching.values()) {
    if (!types.includes(entry.entryType)) continue
    if (queued.length >= QUEUED_MAX) queued.shift()
    queued.push(entry)
    schedule()
  }
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  reflectApply(promiseThen, promiseResolve(undefined), [deliver])
}

function deliver(): void {
  scheduled = false
  for (const [observer, { callback, queued }] of [...watching]) {
    if (queued.length > 0) reflectApply(callback, observer, [new PerformanceObserverEntryList(queued.splice(0)), observer])
  }
}

class PerformanceObserverEntryList {
  readonly #entries: readonly Entry[]

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  getEntries(): Entry[] {
    return entriesSorted(this.#entries)
  }

  getEntriesByType(...args: [type?: unknown]): Entry[] {
    needs(args, 'type')
    return entriesSorted(this.#entries, undefined, String(args[0]))
  }

  getEntriesByName(...args: [name?: unknown, type?: unknown]): Entry[] {
    needs(args, 'name')
    return entriesSorted(this.#entries, String(args[0]), args[1])
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceObserverEntryList'
  }
}

class PerformanceObserver {
  static get supportedEntryTypes(): readonly string[] {
    return TYPES
  }

  readonly #callback: Watching['callback']

  constructor(callback: Watching['callback']) {
    if (typeof callback !== 'function') {
      throw refused('The "callback" argument must be of type function.', 'ERR_INVALID_ARG_TYPE')
    }
    this.#callback = callback
  }

  observe(options: { entryTypes?: readonly string[]; type?: string; buffered?: unknown } = {}): void {
    if (typeof options !== 'object' || options === null) {
      throw refused('The "options" argument must be of type object.', 'ERR_INVALID_ARG_TYPE')
    }
    const { entryTypes, type, buffered } = options
    const single = entryTypes === undefined
    if (single && type === undefined) {
      throw refused('The "options.entryTypes" and "options.type" arguments must be specified', 'ERR_MISSING_ARGS')
    }
    if (!single && type !== undefined) {
      throw refused('options.entryTypes can not set with options.type together', 'ERR_INVALID_ARG_VALUE')
    }
    if (!single && !Array.isArray(entryTypes)) {
      throw refused('The "options.entryTypes" property must be string[].', 'ERR_INVALID_ARG_TYPE')
    }
    const before = watching.get(this)
    if (before !== undefined && before.single !== single) {
      const change = single ? 'single observation' : 'multiple observations'
      throw new DOMException(`PerformanceObserver can not change to ${change}`, 'InvalidModificationError')
    }
    if (before === undefined && watching.size >= OBSERVERS_MAX) {
      throw new RangeError(`${watching.size} performance observers, at most ${OBSERVERS_MAX}`)
    }
    const types = single ? [...(before?.types ?? []), String(type)] : [...entryTypes]
    const queued = before?.queued ?? []
    watching.set(this, { types, single, callback: this.#callback, queued })
    if (!single || buffered !== true) return
    queued.push(...entriesSorted(timeline, undefined, String(type)))
    if (queued.length > 0) schedule()
  }

  disconnect(): void {
    watching.delete(this)
  }

  takeRecords(): Entry[] {
    return watching.get(this)?.queued.splice(0) ?? []
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceObserver'
  }
}

/** What Node measures of its loop; here nothing ever is. */
class LoopDelay {
  readonly min = 9_223_372_036_854_776_000
  readonly max = 0
  readonly mean = Number.NaN
  readonly stddev = Number.NaN
  readonly exceeds = 0
  readonly count = 0

  enable(): boolean {
    return true
  }

  disable(): boolean {
    return true
  }

  reset(): void {
    // It is empty.
  }

  percentile(): number {
    return 0
  }

  get percentiles(): Map<number, number> {
    return new Map([[100, 0]])
  }
}

enumerable(PerformanceObserver, PerformanceObserverEntryList)

/** node:perf_hooks: marks, measures and their observers; the clocks and the loop of the machine tell nothing. */
export function perfHooks(performance: { timerify: unknown; eventLoopUtilization: unknown }): Record<string, unknown> {
  const globals = globalThis as unknown as Record<string, unknown>
  const { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure } = globals
  return {
    performance,
    Performance,
    PerformanceEntry,
    PerformanceMark,
    PerformanceMeasure,
    PerformanceObserver,
    PerformanceObserverEntryList,
    eventLoopUtilization: performance.eventLoopUtilization,
    timerify: performance.timerify,
    monitorEventLoopDelay: () => new LoopDelay(),
    constants: {
      NODE_PERFORMANCE_GC_MAJOR: 4,
      NODE_PERFORMANCE_GC_MINOR: 1,
      NODE_PERFORMANCE_GC_MINOR_MARK_SWEEP: 2,
      NODE_PERFORMANCE_GC_INCREMENTAL: 8,
      NODE_PERFORMANCE_GC_WEAKCB: 16,
      NODE_PERFORMANCE_GC_FLAGS_NO: 0,
      NODE_PERFORMANCE_GC_FLAGS_CONSTRUCT_RETAINED: 2,
      NODE_PERFORMANCE_GC_FLAGS_FORCED: 4,
      NODE_PERFORMANCE_GC_FLAGS_SYNCHRONOUS_PHANTOM_PROCESSING: 8,
      NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE: 16,
      NODE_PERFORMANCE_GC_FLAGS_ALL_EXTERNAL_MEMORY: 32,
      NODE_PERFORMANCE_GC_FLAGS_SCHEDULE_IDLE: 64
    }
  }
}

export { PerformanceObserver, PerformanceObserverEntryList }
