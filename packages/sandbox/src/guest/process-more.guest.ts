import { builtin, fromLibrary } from './builtins.guest.ts'
import { log } from './console.guest.ts'
import { define } from './intrinsics.guest.ts'

/** As node:os has them. */
const USER = 993
const GROUP = 990
const MB = 1_048_576

const nothing = () => undefined

function memory(): number {
  const { env } = (globalThis as unknown as { process: { env: Record<string, string | undefined> } }).process
  return Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 128) * MB
}

/** What is not there is undefined, as in Node; so is what functions do not have. */
function getBuiltinModule(name: unknown): unknown {
  if (typeof name !== 'string') {
    const text = `The "id" argument must be of type string. Received type ${typeof name} (${String(name)})`
    throw Object.assign(new TypeError(text), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  try {
    return builtin(name)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** It has ended before it begins. */
function stdin(): unknown {
  const { Readable } = builtin('stream') as typeof import('node:stream')
  const made = new Readable({
    highWaterMark: 0,
    read() {
      this.push(null)
    }
  })
  return Object.assign(made, { fd: 0, isTTY: false, isRaw: false })
}

interface Named {
  readonly name?: unknown
  readonly code?: unknown
  readonly detail?: unknown
}

const WARN = 2

/** What a process of Node does with a warning, as long as nobody takes this listener off. */
export function logWarning(warning: unknown): void {
  if (!(warning instanceof Error)) return
  const { name, code, detail } = warning as Named
  const { noDeprecation, pid } = (globalThis as unknown as { process: { noDeprecation?: boolean; pid: number } }).process
  if (name === 'DeprecationWarning' && noDeprecation === true) return
  const more = typeof detail === 'string' ? `\n${detail}` : ''
  log(WARN, `(node:${pid}) ${code === undefined ? '' : `[${String(code)}] `}${textOf(warning)}${more}`)
}

function textOf(warning: Error): string {
  return typeof warning.toString === 'function' ? warning.toString() : errorText.call(warning)
}
const errorText = Error.prototype.toString

let folder = '/var/task'

function chdir(directory: unknown): void {
  const { validateString } = fromLibrary('internal/validators') as { validateString(value: unknown, name: string): void }
  validateString(directory, 'directory')
  const { statSync, realpathSync } = builtin('fs') as typeof import('node:fs')
  const found = statSync(directory as string, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true) {
    const [code, text, errno] =
      found === undefined ? ['ENOENT', 'no such file or directory', -2] : ['ENOTDIR', 'not a directory', -20]
    throw Object.assign(new Error(`${code}: ${text}, chdir '${folder}' -> '${String(directory)}'`), {
      errno,
      code,
      syscall: 'chdir',
      path: folder,
      dest: directory
    })
  }
  folder = realpathSync(directory as string)
}

const RESOURCES = `userCPUTime systemCPUTime maxRSS sharedMemorySize unsharedDataSize unsharedStackSize minorPageFault majorPageFault
swappedOut fsRead fsWrite ipcSent ipcReceived signalsCount voluntaryContextSwitches involuntaryContextSwitches`

/** Members of `process` that few ask for, each made when it is first read. */
const MAKERS: Record<string, () => unknown> = {
  stdin,
  cwd: () => () => folder,
  chdir: () => chdir,
  emitWarning: () => (fromLibrary('internal/process/warning') as { emitWarning: unknown }).emitWarning,
  getBuiltinModule: () => getBuiltinModule,
  getuid: () => () => USER,
  geteuid: () => () => USER,
  getgid: () => () => GROUP,
  getegid: () => () => GROUP,
  getgroups: () => () => [GROUP],
  availableMemory: () => memory,
  constrainedMemory: () => memory,
  resourceUsage: () => () => Object.fromEntries(RESOURCES.split(/\s+/).map((name) => [name, 0])),
  threadCpuUsage: () => () => ({ user: 0, system: 0 }),
  getActiveResourcesInfo: () => () => [],
  allowedNodeEnvironmentFlags: () => new Set(),
  hasUncaughtExceptionCaptureCallback: () => () => false,
  setSourceMapsEnabled: () => nothing,
  sourceMapsEnabled: () => true,
  ref: () => nothing,
  unref: () => nothing,
  finalization: () => ({ register: nothing, registerBeforeExit: nothing, unregister: nothing }),
  loadEnvFile:
    () =>
    (path: unknown = '.env') => {
      const { readFileSync } = builtin('fs') as typeof import('node:fs')
      const { parseEnv } = builtin('util') as typeof import('node:util')
      const { env } = (globalThis as unknown as { process: { env: Record<string, unknown> } }).process
      for (const [name, value] of Object.entries(parseEnv(readFileSync(path as string, 'utf8')))) {
        if (!Object.hasOwn(env, name)) env[name] = value
      }
    },
  debugPort: () => 9_229
}

/** What `process` derives from: made once, before any function is there to wait for it. */
export const PROCESS_MORE: object = Object.create(Object.prototype, Object.fromEntries(Object.keys(MAKERS).map(lazy)))
define(PROCESS_MORE, Symbol.toStringTag, 'process')

function lazy(name: string): [string, PropertyDescriptor] {
  const keep = (target: object, value: unknown) =>
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
  return [
    name,
    {
      get(this: object) {
        const value = (MAKERS[name] as () => unknown)()
        keep(this, value)
        return value
      },
      set(this: object, value: unknown) {
        keep(this, value)
      },
      enumerable: true,
      configurable: true
    }
  ]
}
