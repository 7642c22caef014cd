import { PeerlessError } from '@peerless/interface'
import { DAY_MS, HOUR_MS, MINUTE_MS, YEAR_MAX, YEAR_MIN } from './constants.ts'
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  DAY_OF_WEEK_POSIX,
  HOUR,
  MINUTE,
  MONTH,
  numberOf,
  parseField,
  refusal,
  YEAR
} from './cron-field.ts'
import type { Zone } from './zoned-time.ts'

/** Clocks are put back by less than this, so wall times further apart are in the order of their instants. */
const CLOCK_CHANGE_MS_MAX = 3 * HOUR_MS

/** A day as the calendar has it; `weekday` from 0, Sunday. */
interface Day {
  readonly day: number
  readonly weekday: number
  readonly lastDay: number
}

export interface Cron {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly years: ReadonlySet<number> | undefined
  readonly matchesDay: (day: Day) => boolean
}

/** EventBridge's six fields: minutes hours day-of-month month day-of-week year. @throws INVALID_ARGUMENT */
export function parseSixFields(fields: readonly string[]): Cron {
  const [minutes = '', hours = '', days = '', months = '', weekdays = '', years = ''] = fields
  if ((days === '?') === (weekdays === '?'))
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `cron expression: exactly one of day-of-month ('${days.slice(0, 64)}') and day-of-week ('${weekdays.slice(0, 64)}') must be '?'`
    )
  const matchesDay = days === '?' ? any(weekdays.split(',').map(weekdayMatch)) : any(days.split(',').map(dayMatch))
  return {
    minutes: parseField(minutes, MINUTE),
    hours: parseField(hours, HOUR),
    months: parseField(months, MONTH),
    years: years === '*' ? undefined : parseField(years, YEAR),
    matchesDay
  }
}

/** Standard cron: minute hour day-of-month month day-of-week; where both kinds of day are restricted, either is enough. @throws INVALID_ARGUMENT */
export function parseFiveFields(fields: readonly string[]): Cron {
  const [minutes = '', hours = '', days = '', months = '', weekdays = ''] = fields
  const daySet = parseField(days, DAY_OF_MONTH)
  const weekdaySet = new Set([...parseField(weekdays, DAY_OF_WEEK_POSIX)].map((weekday) => weekday % 7))
  const either = !days.startsWith('*') && !weekdays.startsWith('*')
  const matchesDay = ({ day, weekday }: Day) =>
    either ? daySet.has(day) || weekdaySet.has(weekday) : daySet.has(day) && weekdaySet.has(weekday)
  return {
    minutes: parseField(minutes, MINUTE),
    hours: parseField(hours, HOUR),
    months: parseField(months, MONTH),
    years: undefined,
    matchesDay
  }
}

function any(matches: ((day: Day) => boolean)[]): (day: Day) => boolean {
  return (day) => matches.some((match) => match(day))
}

/** `L`: the last day; `LW`: the last weekday; `15W`: the weekday nearest to the 15th, in the same month. */
function dayMatch(part: string): (day: Day) => boolean {
  if (part === 'L') return ({ day, lastDay }) => day === lastDay
  if (part === 'LW') return (day) => day.day === nearestWeekday(day, day.lastDay)
  const weekday = /^(\d{1,2})W$/.exec(part)
  if (weekday !== null) {
    const wanted = numberOf(weekday[1] as string, DAY_OF_MONTH)
    return (day) => wanted <= day.lastDay && day.day === nearestWeekday(day, wanted)
  }
  if (/[LW#]/.test(part)) throw refusal(part, DAY_OF_MONTH, 'L, LW, or a day followed by W')
  const set = parseField(part, DAY_OF_MONTH)
  return ({ day }) => set.has(day)
}

function nearestWeekday({ day, weekday, lastDay }: Day, wanted: number): number {
  const its = (((weekday + wanted - day) % 7) + 7) % 7
  if (its === 6) return wanted === 1 ? 3 : wanted - 1
  if (its === 0) return wanted === lastDay ? wanted - 2 : wanted + 1
  return wanted
}

/** `6#3`: the third Friday; `6L`: the last Friday; `L`: Saturday, the last day of the week. */
function weekdayMatch(part: string): (day: Day) => boolean {
  if (part === 'L') return ({ weekday }) => weekday === 6
  const nth = /^(\w{1,3})#([1-5])$/.exec(part)
  if (nth !== null) {
    const wanted = numberOf(nth[1] as string, DAY_OF_WEEK) - 1
    return ({ day, weekday }) => weekday === wanted && Math.ceil(day / 7) === Number(nth[2])
  }
  const last = /^(\w{1,3})L$/.exec(part)
  if (last !== null) {
    const wanted = numberOf(last[1] as string, DAY_OF_WEEK) - 1
    return ({ day, weekday, lastDay }) => weekday === wanted && day + 7 > lastDay
  }
  if (/[#W?]/.test(part)) throw refusal(part, DAY_OF_WEEK, "a day followed by L, or by '#' and 1 to 5")
  const set = parseField(part, DAY_OF_WEEK)
  return ({ weekday }) => set.has(weekday + 1)
}

/**
 * The nearest firing after an instant (`step` 1) or at or before it (`step` -1); undefined when there is none in EventBridge's years. As EventBridge
 * Scheduler does around a change of clocks: a wall time that does not exist is left out, one that exists twice fires the first time.
 */
export function seekCron(cron: Cron, zone: Zone, from: number, step: 1 | -1): number | undefined {
  const start = zone.wallOf(from)
  let day = Math.floor(start / DAY_MS) * DAY_MS
  const passed = (instant: number) => (step === 1 ? instant <= from : instant > from)
  for (let date = new Date(day); inYears(date.getUTCFullYear(), cron, step); date = new Date(day)) {
    if (cron.years !== undefined && !cron.years.has(date.getUTCFullYear())) {
      day = step === 1 ? Date.UTC(date.getUTCFullYear() + 1, 0, 1) : Date.UTC(date.getUTCFullYear(), 0, 1) - DAY_MS
      continue
    }
    if (!cron.months.has(date.getUTCMonth() + 1)) {
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
      day = step === 1 ? Date.UTC(year, month + 1, 1) : Date.UTC(year, month, 1) - DAY_MS
      continue
    }
    if (cron.matchesDay(calendarDay(date))) {
      const found = seekInDay(cron, zone, day, step, (wall) => step * (wall - start) < -CLOCK_CHANGE_MS_MAX, passed)
      if (found !== undefined) return found
    }
    day += step * DAY_MS
  }
  return undefined
}

function inYears(year: number, { years }: Cron, step: 1 | -1): boolean {
  if (year < YEAR_MIN || year > YEAR_MAX) return false
  // Beyond the last year that is named there is nothing to look for.
  return years === undefined || (step === 1 ? year <= Math.max(...years) : year >= Math.min(...years))
}

function calendarDay(date: Date): Day {
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return { day: date.getUTCDate(), weekday: date.getUTCDay(), lastDay }
}

function seekInDay(
  { hours, minutes }: Cron,
  zone: Zone,
  day: number,
  step: 1 | -1,
  longPassed: (wall: number) => boolean,
  passed: (instant: number) => boolean
): number | undefined {
  const order = (values: ReadonlySet<number>) => [...values].sort((a, b) => step * (a - b))
  for (const hour of order(hours)) {
    for (const minute of order(minutes)) {
      const wall = day + hour * HOUR_MS + minute * MINUTE_MS
      // Finding an instant is the expensive part.
      if (longPassed(wall)) continue
      const instant = zone.instantOf(wall)
      if (instant !== undefined && !passed(instant)) return instant
    }
  }
  return undefined
}
