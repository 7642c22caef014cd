import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock, LogFields, Logger, Random, Timer } from '@peerless/interface'
import { type Logger as Pino, pino } from 'pino'
import { LogOutput, stderrSink } from './log-output.ts'
import type { NodeOptions } from './options.ts'
import { SparingLogger } from './sparing-logger.ts'

/** The machine's clock. Timers never keep the process alive: what must, says so itself. */
export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => timerOf(setTimeout(run, delayMs)),
  every
}

/**
 * Runs at whole multiples of the period, so that what is looked at every 50, 100 and 250 ms is looked at in one waking: with phases of their own these looks alone woke an
 * idle node seventy times a second.
 */
function every(periodMs: number, run: () => void): Timer {
  let dueMs = 0
  let handle: NodeJS.Timeout | undefined
  const arm = () => {
    const now = performance.now()
    // What was missed while this process stood still is made up for by one run.
    dueMs = Math.max(dueMs, Math.floor(now / periodMs) * periodMs) + periodMs
    handle = setTimeout(tick, Math.ceil(dueMs - now)).unref()
  }
  const tick = () => {
    arm()
    run()
  }
  arm()
  return { cancel: () => clearTimeout(handle) }
}

function timerOf(handle: NodeJS.Timeout): Timer {
  handle.unref()
  return { cancel: () => clearTimeout(handle) }
}

export const random: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUIDv7()
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** JSON lines on stderr; stdout belongs to what the command prints. */
export function stderrLogger(level: LogLevel): Logger {
  const output = new LogOutput(stderrSink(), (lines) => logger.warn('lines of this log were lost', { lines }))
  process.on('exit', () => output.end())
  const logger = new PinoLogger(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, output))
  return logger
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** At the level of PEERLESS_LOG; without it people see what is wrong, and programs what happens. */
export function loggerOf({ json }: Pick<NodeOptions, 'json'>): Logger {
  const level = LEVELS.find((one) => one === process.env.PEERLESS_LOG) ?? (json ? 'info' : 'warn')
  return new SparingLogger(stderrLogger(level), clock)
}

class PinoLogger implements Logger {
  readonly #pino: Pino

  constructor(logger: Pino) {
    this.#pino = logger
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message)
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message)
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message)
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message)
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields))
  }
}
