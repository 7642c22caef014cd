import test from 'ava'
import fc from 'fast-check'
import { parseExpression } from '../src/expression.ts'
import { zoneOf } from '../src/zoned-time.ts'

const MINUTE_MS = 60_000
const at = (iso: string) => Date.parse(iso)
const iso = (instant: number | undefined) => (instant === undefined ? undefined : new Date(instant).toISOString())
const LONG_AGO = { anchor: at('1990-01-01T00:00:00Z') }

/** The first firings after a time. */
const fires = test.macro({
  exec(t, expression: string, zone: string, after: string, ...expected: string[]) {
    const times = parseExpression(expression, zone, LONG_AGO)
    let instant = at(after)
    for (const one of expected) {
      const next = times.next(instant)
      t.is(iso(next), at(one) ? new Date(at(one)).toISOString() : undefined)
      t.is(times.last(next as number), next, 'the last firing at its own time is itself')
      instant = next as number
    }
  },
  title: (_, expression, zone, after) => `${expression} in ${zone} after ${after}`
})

test(fires, 'cron(0 10 * * ? *)', 'UTC', '2026-01-01T10:00:00Z', '2026-01-02T10:00:00Z')
test(fires, 'cron(15 12 * * ? *)', 'America/New_York', '2026-07-01T00:00:00Z', '2026-07-01T16:15:00Z')
test(fires, 'cron(0 18 ? * MON-FRI *)', 'UTC', '2026-01-02T18:00:00Z', '2026-01-05T18:00:00Z')
test(fires, 'cron(0 8 1 * ? *)', 'UTC', '2026-01-31T00:00:00Z', '2026-02-01T08:00:00Z')
test(fires, 'cron(0/15 * * * ? *)', 'UTC', '2026-01-01T00:01:00Z', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z')
test(fires, 'cron(0/5 8-17 ? * 2-6 *)', 'UTC', '2026-01-02T17:55:00Z', '2026-01-05T08:00:00Z')
test(fires, 'cron(0 9 L * ? *)', 'UTC', '2028-02-01T00:00:00Z', '2028-02-29T09:00:00Z', '2028-03-31T09:00:00Z')
test(fires, 'cron(0 9 LW * ? *)', 'UTC', '2026-05-01T00:00:00Z', '2026-05-29T09:00:00Z')
test(fires, 'cron(0 9 15W * ? *)', 'UTC', '2026-08-01T00:00:00Z', '2026-08-14T09:00:00Z')
test(fires, 'cron(0 9 1W * ? *)', 'UTC', '2026-07-31T00:00:00Z', '2026-08-03T09:00:00Z')
test(fires, 'cron(30 10 ? * 6#3 *)', 'UTC', '2026-01-01T00:00:00Z', '2026-01-16T10:30:00Z')
test(fires, 'cron(30 10 ? * FRIL *)', 'UTC', '2026-01-01T00:00:00Z', '2026-01-30T10:30:00Z')
test(fires, 'cron(0 0 ? * SAT-SUN *)', 'UTC', '2026-01-02T12:00:00Z', '2026-01-03T00:00:00Z', '2026-01-04T00:00:00Z')
test(fires, 'cron(0 0 29 2 ? *)', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z')
test(fires, 'cron(0 0 1 1 ? 2027)', 'UTC', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z')
test(fires, '0 9 * * 1-5', 'UTC', '2026-01-02T09:00:00Z', '2026-01-05T09:00:00Z')
test(fires, '0 0 13 * 5', 'UTC', '2026-03-01T00:00:00Z', '2026-03-06T00:00:00Z', '2026-03-13T00:00:00Z')
test(fires, '0 0 * * 7', 'UTC', '2026-01-02T00:00:00Z', '2026-01-04T00:00:00Z')
test(fires, 'cron(*/20 * * * *)', 'UTC', '2026-01-01T00:40:00Z', '2026-01-01T01:00:00Z')
test(fires, '@daily', 'Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-01T18:30:00Z')
test(fires, 'at(2026-12-24T18:00:00)', 'Europe/Vienna', '2026-01-01T00:00:00Z', '2026-12-24T17:00:00Z')
// On 29 March 2026 there is no 02:30 in Vienna; on 25 October there are two.
test(fires, 'cron(30 2 * * ? *)', 'Europe/Vienna', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z')
test(fires, 'cron(30 2 * * ? *)', 'Europe/Vienna', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z')
test(fires, 'cron(0 * * * ? *)', 'Europe/Vienna', '2026-10-25T00:00:00Z', '2026-10-25T02:00:00Z')
test(fires, 'cron(30 1 * * ? *)', 'Australia/Lord_Howe', '2026-04-03T15:00:00Z', '2026-04-04T14:30:00Z')

test('a rate counts from when it was made, or fires at its start', (t) => {
  const anchor = at('2026-01-01T00:00:30Z')
  const made = parseExpression('rate(5 minutes)', 'UTC', { anchor })
  t.is(iso(made.next(anchor)), '2026-01-01T00:05:30.000Z')
  t.is(made.last(anchor + 4 * MINUTE_MS), undefined)
  const startAt = at('2026-01-02T00:00:00Z')
  const started = parseExpression('rate(1 day)', 'UTC', { anchor, startAt, endAt: startAt + 2 * 86_400_000 })
  t.is(started.next(anchor), startAt)
  t.is(iso(started.next(startAt)), '2026-01-03T00:00:00.000Z')
  t.is(started.next(at('2026-01-03T00:00:00Z')), undefined, 'nothing at its end')
  t.is(iso(started.last(at('2027-01-01T00:00:00Z'))), '2026-01-03T00:00:00.000Z')
})

const refused = test.macro({
  exec(t, expression: string, zone: string, ...words: string[]) {
    const error = t.throws(() => parseExpression(expression, zone, LONG_AGO), { code: 'INVALID_ARGUMENT' })
    for (const word of words) t.true(error?.message.includes(word), error?.message)
  },
  title: (_, expression, zone) => `refused: '${expression}' in '${zone}'`
})

test(refused, '', 'UTC', 'must be rate(')
test(refused, 'rate(0 minutes)', 'UTC', 'from 1')
test(refused, 'rate(5 fortnights)', 'UTC', 'minutes, hours or days')
test(refused, 'rate(5 constructors)', 'UTC', 'minutes, hours or days')
test(refused, 'constructor', 'UTC', 'must be rate(')
test(refused, 'rate(1.5 hours)', 'UTC', 'whole number')
test(refused, 'cron(0 10 * * * *)', 'UTC', "must be '?'")
test(refused, 'cron(0 10 ? * ? *)', 'UTC', "must be '?'")
test(refused, 'cron(60 10 * * ? *)', 'UTC', '0 to 59')
test(refused, 'cron(0 10 32 * ? *)', 'UTC', '1 to 31')
test(refused, 'cron(0 10 ? * 6#6 *)', 'UTC', '1 to 5')
test(refused, 'cron(0 10 * FOO ? *)', 'UTC', 'JAN to DEC')
test(refused, 'cron(0/0 10 * * ? *)', 'UTC', 'step')
test(refused, 'cron(30-10 10 * * ? *)', 'UTC', 'rises')
test(refused, 'cron(0 0 1 1 ? 1969)', 'UTC', '1970')
test(refused, '* * * *', 'UTC', 'must be rate(')
test(refused, 'at(2026-06-31T00:00:00)', 'UTC', 'exists')
test(refused, 'at(2026-03-29T02:30:00)', 'Europe/Vienna', 'does not exist in Europe/Vienna')
test(refused, 'rate(1 minute)', 'Mars/Olympus', 'IANA')
test(refused, 'rate(1 minute)', '+02:00', 'IANA')

test('a cron expression that never fires again has no next firing', (t) => {
  t.is(parseExpression('cron(0 0 30 2 ? *)', 'UTC', LONG_AGO).next(at('2026-01-01T00:00:00Z')), undefined)
  t.is(parseExpression('cron(0 0 1 1 ? 2020)', 'UTC', LONG_AGO).next(at('2026-01-01T00:00:00Z')), undefined)
})

/** Six fields and, independently of the parser, what they mean. */
const list = (min: number, max: number) =>
  fc.oneof(
    fc.constant({ text: '*', has: (_: number) => true }),
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values) => ({
      text: values.join(','),
      has: (value: number) => values.includes(value)
    })),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: 9 })).map(([from, step]) => ({
      text: `${from}/${step}`,
      has: (value: number) => value >= from && (value - from) % step === 0
    }))
  )

test('the next and last firing are those that a look at every minute finds, around changes of clocks too', (t) => {
  const zones = [
    'UTC',
    'Europe/Vienna',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/Sao_Paulo',
    'Africa/Casablanca'
  ]
  const starts = [
    '2026-03-28T22:00:00Z',
    '2026-10-24T22:00:00Z',
    '2026-03-08T04:00:00Z',
    '2026-11-01T03:00:00Z',
    '2026-04-04T12:00:00Z',
    '2026-10-03T12:00:00Z',
    '2026-06-15T00:00:00Z',
    '2026-02-15T00:00:00Z'
  ]
  fc.assert(
    fc.property(
      list(0, 59),
      list(0, 23),
      fc.boolean(),
      list(1, 31),
      list(1, 7),
      fc.constantFrom(...zones),
      fc.constantFrom(...starts),
      fc.integer({ min: 0, max: 300 }),
      (minutes, hours, byWeekday, days, weekdays, zoneName, start, offset) => {
        const text = `cron(${minutes.text} ${hours.text} ${byWeekday ? '?' : days.text} * ${byWeekday ? weekdays.text : '?'} *)`
        const times = parseExpression(text, zoneName, LONG_AGO)
        const zone = zoneOf(zoneName)
        const from = at(start) + offset * MINUTE_MS
        const matches = (instant: number) => {
          const wall = zone.wallOf(instant)
          const date = new Date(wall)
          const day = byWeekday ? weekdays.has(date.getUTCDay() + 1) : days.has(date.getUTCDate())
          if (!minutes.has(date.getUTCMinutes()) || !hours.has(date.getUTCHours()) || !day) return false
          // A wall time that was there already does not fire again. Clocks are put back by half an hour or an hour.
          return zone.wallOf(instant - 30 * MINUTE_MS) !== wall && zone.wallOf(instant - 60 * MINUTE_MS) !== wall
        }
        const horizon = 12 * 60
        let next: number | undefined
        for (let minute = 1; minute <= horizon && next === undefined; minute++)
          if (matches(from + minute * MINUTE_MS)) next = from + minute * MINUTE_MS
        let last: number | undefined
        for (let minute = 0; minute <= horizon && last === undefined; minute++)
          if (matches(from - minute * MINUTE_MS)) last = from - minute * MINUTE_MS
        const within = (found: number | undefined) =>
          found !== undefined && Math.abs(found - from) <= horizon * MINUTE_MS ? iso(found) : undefined
        t.is(within(times.next(from)), iso(next), `${text} ${zoneName} after ${iso(from)}`)
        t.is(within(times.last(from)), iso(last), `${text} ${zoneName} until ${iso(from)}`)
      }
    ),
    { seed: 5, numRuns: 120 }
  )
})
