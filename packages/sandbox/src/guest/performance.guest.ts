import { DOMException } from './dom-exception.guest.ts'
import { EventTarget } from './event-target.guest.ts'
import { enumerable, needs, refused } from './idl.guest.ts'
import { now, timeOrigin } from './intrinsics.guest.ts'
import { entriesSorted, tellObservers, timeline } from './performance-observer.guest.ts'
import { structuredClone } from './structured-clone.guest.ts'

/** Marks and measures kept; the oldest go. */
const ENTRIES_MAX = 10_000
const MAKE = Symbol('only performance makes entries')

interface EntryForm {
  name: string
  startTime: number
  duration: number
  detail: unknown
}

let detailOf: (entry: PerformanceEntry) => unknown

class PerformanceEntry {
  readonly #form: EntryForm

  constructor(key?: unknown, form?: EntryForm) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    this.#form = form as EntryForm
  }

  static {
    detailOf = (entry) => entry.#form.detail
  }

  get name(): string {
    return this.#form.name
  }

  get entryType(): string {
    return 'entry'
  }

  get startTime(): number {
    return this.#form.startTime
  }

  get duration(): number {
    return this.#form.duration
  }

  toJSON(): object {
    const { name, entryType, startTime, duration } = this
    return { name, entryType, startTime, duration }
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceEntry'
  }
}

interface MarkOptions {
  detail?: unknown
  startTime?: unknown
}

class PerformanceMark extends PerformanceEntry {
  constructor(...args: [name?: unknown, options?: MarkOptions | null]) {
    needs(args, 'name')
    const name = String(args[0])
    const { startTime = elapsed(), detail } = dictionary(args[1])
    if (typeof startTime !== 'number') {
      throw refused('The "startTime" argument must be of type number.', 'ERR_INVALID_ARG_TYPE')
    }
    super(MAKE, { name, startTime: timestamp(startTime), duration: 0, detail: copyOf(detail) })
  }

  override get entryType(): string {
    return 'mark'
  }

  get detail(): unknown {
    return detailOf(this)
  }

  override toJSON(): object {
    return { ...super.toJSON(), detail: this.detail }
  }

  override get [Symbol.toStringTag](): string {
    return 'PerformanceMark'
  }
}

class PerformanceMeasure extends PerformanceEntry {
  override get entryType(): string {
    return 'measure'
  }

  get detail(): unknown {
    return detailOf(this)
  }

  override toJSON(): object {
    return { ...super.toJSON(), detail: this.detail }
  }

  override get [Symbol.toStringTag](): string {
    return 'PerformanceMeasure'
  }
}

function copyOf(detail: unknown): unknown {
  return detail === undefined || detail === null ? null : structuredClone(detail)
}

function dictionary<Options extends object>(alleged: Options | null | undefined): Options {
  if (alleged === undefined || alleged === null) return {} as Options
  if (typeof alleged === 'object') return alleged
  throw refused(`The "options" argument must be of type object. Received type ${typeof alleged}`, 'ERR_INVALID_ARG_TYPE')
}

function timestamp(ms: number): number {
  if (ms < 0) throw refused(`${ms} is not a valid timestamp`, 'ERR_PERFORMANCE_INVALID_TIMESTAMP')
  return ms
}

function elapsed(): number {
  return now() - timeOrigin
}

interface MeasureOptions {
  start?: unknown
  end?: unknown
  duration?: unknown
  detail?: unknown
}

const INSTANCE = Symbol('there is one')
const entries = timeline as PerformanceEntry[]

function keep<Entry extends PerformanceEntry>(entry: Entry): Entry {
  if (entries.length >= ENTRIES_MAX) entries.shift()
  entries.push(entry)
  tellObservers(entry)
  return entry
}

function timeOf(mark: unknown): number {
  if (typeof mark === 'number') return timestamp(mark)
  const found = entries.findLast((entry) => entry instanceof PerformanceMark && entry.name === String(mark))
  if (found === undefined) throw new DOMException(`The "${String(mark)}" performance mark has not been set`, 'SyntaxError')
  return found.startTime
}

/** In steps of a millisecond: functions get no finer clock (timing attacks between isolates). */
class Performance extends EventTarget {
  constructor(key?: unknown) {
    if (key !== INSTANCE) throw new TypeError('Illegal constructor')
    super()
  }

  get timeOrigin(): number {
    return timeOrigin
  }

  now(): number {
    return elapsed()
  }

  mark(...args: [name?: unknown, options?: MarkOptions | null]): PerformanceMark {
    return keep(new PerformanceMark(...args))
  }

  measure(...args: [name?: unknown, from?: unknown, to?: unknown]): PerformanceMeasure {
    needs(args, 'name')
    const [name, from, to] = args
    const options: MeasureOptions =
      typeof from === 'object' && from !== null ? from : { start: typeof from === 'string' ? from : undefined }
    const { start, duration, detail } = options
    const given = options === from && [start, options.end, duration, detail].some((member) => member !== undefined)
    const end = given ? options.end : to
    if (given && to !== undefined) throw refused('endMark must not be specified', 'ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS')
    if (start !== undefined && end !== undefined && duration !== undefined) {
      const text = 'Must not have options.start, options.end, and options.duration specified'
      throw refused(text, 'ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS')
    }
    const length = duration === undefined ? undefined : Number(duration)
    const ended =
      end !== undefined ? timeOf(end) : start !== undefined && length !== undefined ? timeOf(start) + length : elapsed()
    const begun = start !== undefined ? timeOf(start) : length !== undefined ? ended - length : 0
    const form = { name: String(name), startTime: begun, duration: ended - begun, detail: copyOf(detail) }
    return keep(new PerformanceMeasure(MAKE, form))
  }

  getEntries(): PerformanceEntry[] {
    return entriesSorted(entries)
  }

  getEntriesByType(...args: [type?: unknown]): PerformanceEntry[] {
    needs(args, 'type')
    return entriesSorted(entries, undefined, String(args[0]))
  }

  getEntriesByName(...args: [name?: unknown, type?: unknown]): PerformanceEntry[] {
    needs(args, 'name')
    return entriesSorted(entries, String(args[0]), args[1])
  }

  clearMarks(name?: unknown): void {
    drop('mark', name)
  }

  clearMeasures(name?: unknown): void {
    drop('measure', name)
  }

  /** Of the loop that all functions of the process share, none is told anything. */
  eventLoopUtilization(): { idle: number; active: number; utilization: number } {
    return { idle: 0, active: 0, utilization: 0 }
  }

  /** The same function: its calls are seen by no observer. */
  timerify<Run>(run: Run): Run {
    return run
  }

  clearResourceTimings(): void {
    // Requests are not timed.
  }

  toJSON(): object {
    return { timeOrigin }
  }

  override get [Symbol.toStringTag](): string {
    return 'Performance'
  }
}

function drop(type: string, name: unknown): void {
  const kept = entries.filter((entry) => entry.entryType !== type || (name !== undefined && entry.name !== String(name)))
  entries.splice(0, entries.length, ...kept)
}

enumerable(PerformanceEntry, PerformanceMark, PerformanceMeasure, Performance)
const performance = new Performance(INSTANCE)

export { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, performance }
