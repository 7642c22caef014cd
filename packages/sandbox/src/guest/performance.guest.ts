import { DOMException } from './dom-exception.guest.ts'
import { EventTarget } from './event-target.guest.ts'
import { enumerable } from './idl.guest.ts'
import { now, timeOrigin } from './intrinsics.guest.ts'
import { entriesSorted, tellObservers } from './performance-observer.guest.ts'
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

class PerformanceEntry {
  readonly #form: EntryForm

  constructor(key?: unknown, form?: EntryForm) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    this.#form = form as EntryForm
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

  get detail(): unknown {
    return this.#form.detail
  }

  toJSON(): object {
    const { name, entryType, startTime, duration, detail } = this
    return { name, entryType, startTime, duration, detail }
  }
}

class PerformanceMark extends PerformanceEntry {
  constructor(name: unknown, options: { detail?: unknown; startTime?: unknown } = {}) {
    const startTime = options.startTime === undefined ? elapsed() : Number(options.startTime)
    if (startTime < 0) throw new TypeError(`startTime ${startTime} must not be negative`)
    const detail = options.detail === undefined || options.detail === null ? null : structuredClone(options.detail)
    super(MAKE, { name: String(name), startTime, duration: 0, detail })
  }

  override get entryType(): string {
    return 'mark'
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceMark'
  }
}

class PerformanceMeasure extends PerformanceEntry {
  override get entryType(): string {
    return 'measure'
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceMeasure'
  }
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
const entries: PerformanceEntry[] = []

function keep<Entry extends PerformanceEntry>(entry: Entry): Entry {
  if (entries.length >= ENTRIES_MAX) entries.shift()
  entries.push(entry)
  tellObservers(entry)
  return entry
}

function timeOf(mark: unknown): number {
  if (typeof mark === 'number') return mark
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

  mark(name: unknown, options?: { detail?: unknown; startTime?: unknown }): PerformanceMark {
    return keep(new PerformanceMark(name, options))
  }

  measure(name: unknown, from?: unknown, to?: unknown): PerformanceMeasure {
    const options: MeasureOptions =
      typeof from === 'object' && from !== null ? from : { start: from === null ? undefined : from, end: to }
    const { start, end, duration, detail } = options
    const length = duration === undefined ? undefined : Number(duration)
    const ended =
      end !== undefined ? timeOf(end) : start !== undefined && length !== undefined ? timeOf(start) + length : elapsed()
    const begun = start !== undefined ? timeOf(start) : length !== undefined ? ended - length : 0
    const copy = detail === undefined || detail === null ? null : structuredClone(detail)
    return keep(new PerformanceMeasure(MAKE, { name: String(name), startTime: begun, duration: ended - begun, detail: copy }))
  }

  getEntries(): PerformanceEntry[] {
    return entriesSorted(entries)
  }

  getEntriesByType(type: unknown): PerformanceEntry[] {
    return entriesSorted(entries, undefined, type)
  }

  getEntriesByName(name: unknown, type?: unknown): PerformanceEntry[] {
    return entriesSorted(entries, name, type)
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
