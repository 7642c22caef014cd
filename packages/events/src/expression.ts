import { PeerlessError } from '@peerless/interface'
import { DAY_MS, HOUR_MS, MINUTE_MS } from './constants.ts'
import { type Cron, parseFiveFields, parseSixFields, seekCron } from './cron.ts'
import { type Zone, zoneOf } from './zoned-time.ts'

/** When a schedule fires. Pure: instants in epoch milliseconds, no clock. */
export interface Times {
  /** The first firing after `instant`; undefined when there is none any more. */
  next(instant: number): number | undefined
  /** The last firing at or before `instant`; undefined when there was none. */
  last(instant: number): number | undefined
  readonly once: boolean
}

// Maps, not objects: what is looked up in them is a text of others, which may be 'constructor'.
const UNITS: ReadonlyMap<string, number> = new Map([
  ['minute', MINUTE_MS],
  ['hour', HOUR_MS],
  ['day', DAY_MS]
])
/** EventBridge Scheduler takes no longer rates than a year of minutes, which is enough. */
const RATE_MAX = 525_600
/** As crontab(5) has them; @reboot has no meaning here. */
const MACROS: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *']
])

/**
 * Reads `rate(…)`, `cron(…)` with six fields or five, five bare fields, `@daily` and the like, or `at(…)`.
 * @param span `anchor`: what rates count from; nothing fires before `startAt` or at and after `endAt`
 * @throws INVALID_ARGUMENT naming the part and the rule
 */
export function parseExpression(
  expression: string,
  timezone: string,
  span: { anchor: number; startAt?: number | undefined; endAt?: number | undefined }
): Times {
  const text = MACROS.get(expression.trim()) ?? expression.trim()
  const zone = zoneOf(timezone)
  const call = /^(rate|cron|at)\(([^()]*)\)$/.exec(text)
  const inner = (call?.[2] ?? text).trim()
  if (call?.[1] === 'rate') return bounded(rateTimes(inner, span), span)
  if (call?.[1] === 'at') return bounded(onceAt(inner, zone), span)
  const fields = inner.split(/\s+/)
  if (call?.[1] === 'cron' && fields.length === 6) return bounded(cronTimes(parseSixFields(fields), zone), span)
  if (fields.length === 5 && (call !== null || text === inner)) return bounded(cronTimes(parseFiveFields(fields), zone), span)
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `schedule expression '${expression.slice(0, 100)}' must be rate(VALUE minutes|hours|days), cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR), five fields of cron, or at(YYYY-MM-DDTHH:MM:SS)`
  )
}

function rateTimes(text: string, { anchor, startAt }: { anchor: number; startAt?: number | undefined }): Times {
  const [, digits, word] = /^(\d{1,6})\s+([a-z]+)$/.exec(text) ?? []
  const unit = UNITS.get(word?.replace(/s$/, '') ?? '')
  const value = Number(digits)
  if (unit === undefined || !(value >= 1 && value <= RATE_MAX))
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `rate(${text.slice(0, 64)}) must be a whole number from 1 to ${RATE_MAX} and minutes, hours or days`
    )
  const period = value * unit
  // One that has a start fires then; one that has none, a period after it was made.
  const origin = startAt ?? anchor
  const first = startAt === undefined ? 1 : 0
  return {
    once: false,
    next: (instant) => origin + Math.max(first, Math.floor((instant - origin) / period) + 1) * period,
    last: (instant) => {
      const count = Math.floor((instant - origin) / period)
      return count < first ? undefined : origin + count * period
    }
  }
}

function onceAt(text: string, zone: Zone): Times {
  const wall = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN
  // Date.parse takes the 31st of June for the 1st of July; it does not print so.
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 19) !== text)
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `at(${text.slice(0, 64)}) must be a date and time that exists, as YYYY-MM-DDTHH:MM:SS without zone`
    )
  const at = zone.instantOf(wall)
  if (at === undefined)
    throw new PeerlessError('INVALID_ARGUMENT', `at(${text}) does not exist in ${zone.name}: the clocks are put forward over it`)
  return { once: true, next: (instant) => (instant < at ? at : undefined), last: (instant) => (instant >= at ? at : undefined) }
}

function cronTimes(cron: Cron, zone: Zone): Times {
  return {
    once: false,
    next: (instant) => seekCron(cron, zone, instant, 1),
    last: (instant) => seekCron(cron, zone, instant, -1)
  }
}

function bounded(
  times: Times,
  { anchor, startAt, endAt }: { anchor: number; startAt?: number | undefined; endAt?: number | undefined }
): Times {
  // What lay before it was made was never its to fire; its start is.
  const from = Math.max(anchor + 1, startAt ?? 0)
  const inside = (at: number | undefined) =>
    at === undefined || at < from || (endAt !== undefined && at >= endAt) ? undefined : at
  return {
    once: times.once,
    next: (instant) => inside(times.next(Math.max(instant, from - 1))),
    last: (instant) => inside(times.last(endAt === undefined ? instant : Math.min(instant, endAt - 1)))
  }
}
