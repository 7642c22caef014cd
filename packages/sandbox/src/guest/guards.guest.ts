import { bare, define, now, reflectApply } from './intrinsics.guest.ts'
import { MemoryBudget } from './memory-budget.guest.ts'
import { pause } from './pause.guest.ts'
import { guardStackTraces } from './stack-guard.guest.ts'
import { guardWasm } from './wasm-guard.guest.ts'

const MB = 1_048_576

/**
 * Comes before everything else in an isolate, and closes what isolated-vm leaves open (tried on 7.0.1): memory that its limit does not
 * count (1.1 to 2.0 GB resident under a limit of 64 MB), threads that can be stopped, clocks that are fine enough to spy with, and guest code
 * that the host would run when it reads an error.
 */
export function installGuards(memoryMb: number): void {
  const globals = globalThis as Record<string, unknown>
  const budget = new MemoryBudget(memoryMb * MB, (ms) => pause(now() + ms))
  // Cannot be deleted.
  globals.__peerlessCollect = undefined
  delete globals.SharedArrayBuffer
  const atomics = globals.Atomics as Record<string, unknown>
  for (const name of ['wait', 'waitAsync', 'notify']) delete atomics[name]
  guardStackTraces()
  guardBuffers(budget)
  guardWasm(budget)
  coarsenTemporal()
}

/** Resizable buffers take their maximum from the budget, for as long as they live. */
function guardBuffers(budget: MemoryBudget): void {
  const Intrinsic = ArrayBuffer
  const construct = Reflect.construct
  const { transfer } = Intrinsic.prototype
  const getter = (name: string) => (Reflect.getOwnPropertyDescriptor(Intrinsic.prototype, name) as { get(): unknown }).get
  const resizable = getter('resizable')
  const maxByteLength = getter('maxByteLength')
  const handler: ProxyHandler<ArrayBufferConstructor> = {
    construct(target, args: unknown[], newTarget) {
      const own = newTarget === guarded ? target : newTarget
      const options = args[1]
      const alleged =
        typeof options === 'object' && options !== null ? (options as { maxByteLength?: unknown }).maxByteLength : undefined
      if (alleged === undefined) return construct(target, [args[0]], own)
      const bytes = Number(alleged)
      const entry = budget.reserve(Math.max(bytes, 0), 'a resizable buffer')
      try {
        const buffer = construct(target, [args[0], { maxByteLength: bytes }], own) as ArrayBuffer
        budget.hold(entry, buffer)
        return buffer
      } catch (error) {
        budget.release(entry)
        throw error
      }
    }
  }
  const guarded: ArrayBufferConstructor = new Proxy(Intrinsic, bare(handler))
  define(Intrinsic.prototype, 'constructor', guarded)
  // What is transferred stays resizable, in a new object.
  define(Intrinsic.prototype, 'transfer', function (this: ArrayBuffer, ...args: unknown[]) {
    if (reflectApply(resizable, this, []) !== true) return reflectApply(transfer as never, this, args as never)
    const entry = budget.reserve(reflectApply(maxByteLength, this, []) as number, 'a resizable buffer')
    try {
      const made = reflectApply(transfer as never, this, args as never) as ArrayBuffer
      budget.hold(entry, made)
      return made
    } catch (error) {
      budget.release(entry)
      throw error
    }
  })
  define(globalThis, 'ArrayBuffer', guarded)
}

interface TemporalNow {
  instant(): unknown
  timeZoneId(): string
}

/** V8's own has nanoseconds. */
function coarsenTemporal(): void {
  type Zoned = { toPlainDateTime(): unknown; toPlainDate(): unknown; toPlainTime(): unknown }
  type Instant = { toZonedDateTimeISO(zone: unknown): Zoned }
  const temporal = (globalThis as { Temporal?: { Now: TemporalNow; Instant: { fromEpochMilliseconds(ms: number): Instant } } })
    .Temporal
  if (temporal === undefined) return
  const { Instant, Now } = temporal
  const fromMs = Instant.fromEpochMilliseconds
  const { timeZoneId } = Now
  const instant = () => reflectApply(fromMs, Instant, [now()]) as Instant
  const zoned = (zone: unknown = reflectApply(timeZoneId, Now, [])) => instant().toZonedDateTimeISO(zone)
  define(Now, 'instant', instant)
  define(Now, 'zonedDateTimeISO', zoned)
  define(Now, 'plainDateTimeISO', (zone?: unknown) => zoned(zone).toPlainDateTime())
  define(Now, 'plainDateISO', (zone?: unknown) => zoned(zone).toPlainDate())
  define(Now, 'plainTimeISO', (zone?: unknown) => zoned(zone).toPlainTime())
}
