import { log, logError } from './console.guest.ts'
import { exit } from './handler.guest.ts'
import { now, timeOrigin } from './intrinsics.guest.ts'
import { currentTrace } from './lambda-context.guest.ts'
import { processEvents } from './process-events.guest.ts'
import { PROCESS_MORE } from './process-more.guest.ts'
import { LogStream } from './process-streams.guest.ts'
import { nextTick } from './ticks.guest.ts'

/** Of the Node whose modules these are: written in where the glue is put together. */
declare const NODE_VERSIONS: Readonly<Record<string, string>>

function nanoseconds(): bigint {
  return BigInt(now() - timeOrigin) * 1_000_000n
}

/** Seconds and nanoseconds, in steps of a millisecond: functions get no finer clock (timing attacks between isolates). */
const hrtime = Object.assign(
  (before?: [number, number]): [number, number] => {
    const total = nanoseconds() - (before === undefined ? 0n : BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]))
    return [Number(total / 1_000_000_000n), Number(total % 1_000_000_000n)]
  },
  { bigint: nanoseconds }
)

/** The one variable that differs from call to call; a function that sets it has what it set. */
function withTrace(env: Record<string, string>): Record<string, string> {
  const name = '_X_AMZN_TRACE_ID'
  return Object.defineProperty(env, name, {
    get: currentTrace,
    set: (value: unknown) => {
      Object.defineProperty(env, name, { value: String(value), writable: true, enumerable: true, configurable: true })
    },
    enumerable: true,
    configurable: true
  })
}

/** A variable is a text, whatever it is set to. */
const TEXTS: ProxyHandler<Record<string, string>> = {
  set(variables, name, value) {
    variables[asText(name)] = asText(value)
    return true
  },
  defineProperty(variables, name, descriptor) {
    return reflectDefine(variables, name, 'value' in descriptor ? { ...descriptor, value: asText(descriptor.value) } : descriptor)
  }
}
const reflectDefine = Reflect.defineProperty

/** @throws TypeError for a symbol */
const asText = (value: unknown): string => `${value as string}`

const FEATURES = {
  inspector: false,
  debug: false,
  uv: true,
  ipv6: true,
  tls: false,
  cached_builtins: true,
  require_module: true,
  typescript: false
}

let made: Record<string, unknown> | undefined

/** The same object before and after: modules that were loaded ahead hold it. */
export function configureProcess(environment: Record<string, string>): Record<string, unknown> {
  made ??= makeProcess()
  made.env = new Proxy(withTrace({ ...environment }), TEXTS)
  return made
}

function makeProcess(): Record<string, unknown> {
  const process: Record<string, unknown> = {
    __proto__: PROCESS_MORE,
    env: {},
    argv: ['/usr/bin/node', '/var/task/index.js'],
    argv0: 'node',
    execArgv: [],
    execPath: '/usr/bin/node',
    title: 'peerless',
    pid: 1,
    ppid: 0,
    arch: 'x64',
    platform: 'linux',
    version: `v${NODE_VERSIONS.node}`,
    versions: NODE_VERSIONS,
    release: { name: 'node' },
    features: FEATURES,
    config: { variables: {} },
    exitCode: undefined,
    stdout: new LogStream(1, (text) => log(1, text)),
    stderr: new LogStream(2, logError),
    exit: (code: unknown = 0) => exit(Number(code)),
    abort: () => exit(134),
    reallyExit: (code: unknown = 0) => exit(Number(code)),
    kill: () => exit(143),
    nextTick,
    hrtime,
    uptime: () => (now() - timeOrigin) / 1_000,
    umask: () => 0o22,
    memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), { rss: () => 0 }),
    cpuUsage: () => ({ user: 0, system: 0 }),
    binding: () => {
      throw new Error('process.binding is not available')
    }
  }
  Object.assign(process, processEvents(process))
  return process
}
