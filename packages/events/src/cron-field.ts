import { PeerlessError } from '@peerless/interface'

export interface FieldRule {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Names of values, the first of which is `namesFrom`. */
  readonly names?: readonly string[]
  readonly namesFrom?: number
  /** A range may go over the end, such as SAT-SUN. */
  readonly wraps?: boolean
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

export const MINUTE: FieldRule = { name: 'minutes', min: 0, max: 59 }
export const HOUR: FieldRule = { name: 'hours', min: 0, max: 23 }
export const DAY_OF_MONTH: FieldRule = { name: 'day-of-month', min: 1, max: 31 }
export const MONTH: FieldRule = { name: 'month', min: 1, max: 12, names: MONTHS, namesFrom: 1, wraps: true }
export const DAY_OF_WEEK: FieldRule = { name: 'day-of-week', min: 1, max: 7, names: DAYS, namesFrom: 1, wraps: true }
/** Of five-field cron: 0 and 7 are both Sunday. */
export const DAY_OF_WEEK_POSIX: FieldRule = { name: 'day of week', min: 0, max: 7, names: DAYS, namesFrom: 0, wraps: true }
export const YEAR: FieldRule = { name: 'year', min: 1_970, max: 2_199 }

/** Values of a list of `*`, `a`, `a-b`, `a/s`, `a-b/s` or a star with a step. @throws INVALID_ARGUMENT */
export function parseField(text: string, rule: FieldRule): Set<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) for (const value of valuesOf(part, rule)) values.add(value)
  return values
}

function valuesOf(part: string, rule: FieldRule): number[] {
  const [range = '', step, ...more] = part.split('/')
  const stride = step === undefined ? 1 : Number(step)
  if (more.length > 0 || (step !== undefined && !/^\d{1,4}$/.test(step)) || stride < 1)
    throw refusal(part, rule, "a step after '/' is a whole number from 1")
  if (range === '*') return spread(rule.min, rule.max, stride, rule)
  const [from = '', to, ...rest] = range.split('-')
  if (rest.length > 0) throw refusal(part, rule, 'a range is FROM-TO')
  const first = numberOf(from, rule)
  // EventBridge and most crons: 5/15 is 5-59/15.
  const last = to === undefined ? (step === undefined ? first : rule.max) : numberOf(to, rule)
  if (first > last && rule.wraps !== true) throw refusal(part, rule, 'a range rises')
  return spread(first, last, stride, rule)
}

function spread(first: number, last: number, stride: number, { min, max }: FieldRule): number[] {
  const values: number[] = []
  const end = last < first ? last + (max - min + 1) : last
  for (let value = first; value <= end; value += stride) values.push(value > max ? value - (max - min + 1) : value)
  return values
}

export function numberOf(text: string, rule: FieldRule): number {
  const named = rule.names?.indexOf(text.toUpperCase()) ?? -1
  const value = named >= 0 ? named + (rule.namesFrom ?? 0) : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (value >= rule.min && value <= rule.max) return value
  throw refusal(
    text,
    rule,
    `values are ${rule.min} to ${rule.max}${rule.names === undefined ? '' : ` or ${rule.names[0]} to ${rule.names.at(-1)}`}`
  )
}

export function refusal(part: string, rule: FieldRule, why: string): PeerlessError {
  return new PeerlessError('INVALID_ARGUMENT', `'${part.slice(0, 64)}' in ${rule.name} of the cron expression: ${why}`)
}
