import { TELL } from '../bridge-operations.ts'
import { tell } from './bridge.guest.ts'
import { format, type InspectOptions, inspect } from './inspect.guest.ts'
import { define, now, reflectApply, stringSlice } from './intrinsics.guest.ts'

const DEBUG = 0
const INFO = 1
const WARN = 2
const ERROR = 3

let linesLeft = 0
let charsLeft = 0
let lineCharsMax = 0
let dropped = 0
let linesMax = 0
let charsMax = 0
let indent = ''

/** The limits are the executor's; it holds them too. Here they only save crossings. */
export function configureLogs(lines: number, chars: number, lineChars: number): void {
  linesMax = lines
  charsMax = chars
  lineCharsMax = lineChars
  openLogs()
}

/** A new invocation has its own allowance. */
export function openLogs(): void {
  linesLeft = linesMax
  charsLeft = charsMax
  dropped = 0
}

export function closeLogs(): void {
  if (dropped === 0) return
  tell(TELL.LOGS_DROPPED, dropped)
  dropped = 0
}

export function log(level: number, text: string): void {
  if (linesLeft <= 0 || charsLeft <= 0) {
    dropped++
    return
  }
  let line = indent === '' ? text : indent + text
  if (line.length > lineCharsMax) line = reflectApply(stringSlice, line, [0, lineCharsMax]) as string
  linesLeft--
  charsLeft -= line.length
  tell(TELL.LOG, level, line)
}

export function logError(text: string): void {
  log(ERROR, text)
}

function writer(level: number): (...values: unknown[]) => void {
  return (...values) => {
    // What nobody would keep is not formatted either.
    if (linesLeft <= 0 || charsLeft <= 0) dropped++
    else log(level, format(...values))
  }
}

function consoleClass(): typeof globalThis.console.Console {
  return (require('./builtins.guest.ts') as typeof import('./builtins.guest.ts')).consoleClass()
}

/** Drawn by Node's own code, which writes it in one piece. */
function table(data: unknown, columns?: unknown): void {
  if (linesLeft <= 0 || charsLeft <= 0) {
    dropped++
    return
  }
  const Console = consoleClass()
  const stdout = { write: (text: string) => log(INFO, text.replace(/\n$/, '')), on: () => undefined }
  new Console({ stdout: stdout as never, ignoreErrors: false }).table(data, columns as never)
}

const counts = new Map<string, number>()
const starts = new Map<string, number>()
const LABELS_MAX = 1_000

export function makeConsole(): Record<string, unknown> {
  const info = writer(INFO)
  const error = writer(ERROR)
  const console: Record<string, (...values: unknown[]) => void> = {
    log: info,
    info,
    debug: writer(DEBUG),
    warn: writer(WARN),
    error,
    trace: (...values) => log(DEBUG, `Trace: ${format(...values)}\n${new Error().stack?.split('\n').slice(2).join('\n') ?? ''}`),
    dir: (value, options) => log(INFO, inspect(value, options as InspectOptions | undefined)),
    dirxml: info,
    clear: () => undefined,
    timeStamp: () => undefined,
    profile: () => undefined,
    profileEnd: () => undefined,
    table,
    assert: (holds, ...values) => {
      if (!holds) log(ERROR, values.length === 0 ? 'Assertion failed' : `Assertion failed: ${format(...values)}`)
    },
    count: (label = 'default') => {
      if (counts.size >= LABELS_MAX) counts.clear()
      const count = (counts.get(String(label)) ?? 0) + 1
      counts.set(String(label), count)
      log(INFO, `${label}: ${count}`)
    },
    countReset: (label = 'default') => {
      counts.delete(String(label))
    },
    time: (label = 'default') => {
      if (starts.size >= LABELS_MAX) starts.clear()
      starts.set(String(label), now())
    },
    timeLog: (label = 'default', ...values) => {
      log(INFO, `${label}: ${now() - (starts.get(String(label)) ?? now())}ms${values.length > 0 ? ` ${format(...values)}` : ''}`)
    },
    timeEnd: (label = 'default') => {
      log(INFO, `${label}: ${now() - (starts.get(String(label)) ?? now())}ms`)
      starts.delete(String(label))
    },
    group: (...values) => {
      if (values.length > 0) info(...values)
      if (indent.length < 40) indent += '  '
    },
    groupEnd: () => {
      indent = indent.slice(2)
    }
  }
  console.groupCollapsed = console.group as () => void
  define(console, Symbol.toStringTag, 'console')
  Object.defineProperty(console, 'Console', {
    get: consoleClass,
    set: (value: unknown) => define(console, 'Console', value),
    enumerable: true,
    configurable: true
  })
  return console
}
