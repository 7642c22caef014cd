import { reflectApply } from './intrinsics.guest.ts'

type Prepare = (error: unknown, sites: unknown[]) => unknown

const Intrinsic = Error
const toText = Error.prototype.toString
const split = String.prototype.split
const join = Array.prototype.join
let readByHost: unknown
let watching = false

/** From now on the error whose stack the host reads is kept; costs each error whose stack is read some microseconds. */
export function watchHost(): void {
  watching = true
}

/** The error whose stack the host read last: one that was rejected with and nobody handled. */
export function takeReadByHost(): unknown {
  const error = readByHost
  readByHost = undefined
  return error
}

/**
 * `Error.prepareStackTrace` is guest code that V8 runs whenever somebody reads `stack`, the host included when it copies an error out of the isolate.
 * Here V8 gets a function of ours, which asks the guest's only where guest code itself reads: then there is a frame beneath it.
 */
export function guardStackTraces(): void {
  let chosen: unknown
  const siteText = siteToString()
  const prepare: Prepare = (error, sites) => {
    const inside = isReadInside()
    if (inside && typeof chosen === 'function') return reflectApply(chosen as never, Intrinsic, [error, sites] as never)
    if (!inside && watching) readByHost = error
    return plain(error, sites, siteText)
  }
  Object.defineProperty(Intrinsic, 'prepareStackTrace', {
    get: () => (chosen === undefined && !watching ? undefined : prepare),
    set: (value: unknown) => {
      chosen = value
    },
    enumerable: false,
    configurable: false
  })
}

/** `toString` of V8's CallSite, taken before guest code can change it. */
function siteToString(): () => string {
  const holder: { stack?: unknown } = {}
  const give: Prepare = (_error, sites) => sites
  Object.defineProperty(Intrinsic, 'prepareStackTrace', { value: give, configurable: true })
  Intrinsic.captureStackTrace(holder)
  const [site] = holder.stack as [object]
  return (Reflect.getPrototypeOf(site) as { toString(): string }).toString
}

/** Whether guest code is on the stack below the three functions of this file. V8 formats plainly while it formats, so this does not recurse. */
function isReadInside(): boolean {
  try {
    const before = Intrinsic.stackTraceLimit
    Intrinsic.stackTraceLimit = 10
    const probe = new Intrinsic('').stack
    Intrinsic.stackTraceLimit = before
    return typeof probe === 'string' && (reflectApply(split as never, probe, ['\n    at ', 6] as never) as string[]).length > 3
  } catch {
    // Error was frozen, or there is no room on the stack: then nobody's formatter runs.
    return false
  }
}

function plain(error: unknown, sites: unknown[], siteText: () => string): string {
  let head = 'Error'
  try {
    head = reflectApply(toText, error, []) as string
  } catch {
    // A message that throws when it is read is left out.
  }
  const lines: string[] = []
  for (let index = 0; index < sites.length; index++) lines[index] = `\n    at ${reflectApply(siteText, sites[index], [])}`
  return head + (reflectApply(join as never, lines, [''] as never) as string)
}
