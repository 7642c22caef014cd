import { reflectApply } from './intrinsics.guest.ts'

type Prepare = (error: unknown, sites: unknown[]) => unknown

const Intrinsic = Error
const toText = Error.prototype.toString
const split = String.prototype.split
const has = Reflect.has
let readByHost: unknown
let watching = false
let nodeErrorMark: symbol | undefined

/** From now on the error whose stack the host reads is kept; costs each error whose stack is read some microseconds. */
export function watchHost(): void {
  watching = true
}

/** By a member of this name Node's own errors are known: their stacks say the code, too. */
export function markNodeErrors(mark: symbol): void {
  nodeErrorMark = mark
}

/** The error whose stack the host read last: one that was rejected with and nobody handled. */
export function takeReadByHost(): unknown {
  const error = readByHost
  readByHost = undefined
  return error
}

/**
 * `Error.prepareStackTrace` is guest code that V8 runs whenever somebody reads `stack`, the host included when it copies an error out of the isolate.
 * Here V8 gets a function of ours, which asks the guest's only where guest code itself reads: then there is a frame beneath it. Without it V8 would begin a stack by
 * the message that the error was made with; as in Node, it begins by the message that the error has.
 */
export function guardStackTraces(): void {
  let chosen: unknown
  const siteText = siteToString()
  let asking = false
  const prepare: Prepare = (error, sites) => {
    // A formatter that asks the one that it replaced, asks here.
    if ((chosen === undefined && !watching) || asking) return plain(error, sites, siteText)
    const inside = isReadInside()
    if (inside && typeof chosen === 'function') {
      asking = true
      try {
        return reflectApply(chosen as never, Intrinsic, [error, sites] as never)
      } finally {
        asking = false
      }
    }
    if (!inside && watching) readByHost = error
    return plain(error, sites, siteText)
  }
  Object.defineProperty(Intrinsic, 'prepareStackTrace', {
    get: () => prepare,
    set: (value: unknown) => {
      // Who puts back what was there.
      chosen = value === prepare ? undefined : value
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
    if (nodeErrorMark !== undefined && has(error as object, nodeErrorMark)) {
      const { name, code, message } = error as { name: string; code: string; message: string }
      head = `${name} [${code}]: ${message}`
    }
  } catch {
    // A message that throws when it is read is left out.
  }
  for (let index = 0; index < sites.length; index++) head += `\n    at ${reflectApply(siteText, sites[index], [])}`
  return head
}
