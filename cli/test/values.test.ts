import test from 'ava'
import fc from 'fast-check'
import { UsageError } from '../src/errors.ts'
import { parseAssignment, parseDuration, parseInteger, parseMoment, parseOrigin } from '../src/values.ts'
import { NOW } from './_host.ts'

const reads = test.macro({
  exec: (t, parse: () => unknown, expected: unknown) => t.deepEqual(parse(), expected),
  title: (title = '') => `reads ${title}`
})
const refuses = test.macro({
  exec: (t, parse: () => unknown, ...says: string[]) => {
    const error = t.throws(parse, { instanceOf: UsageError })
    for (const part of says) t.true(error?.message.includes(part), `${error?.message} must say ${part}`)
  },
  title: (title = '') => `refuses ${title}, naming value and rule`
})

test('milliseconds', reads, () => parseDuration('250ms', '--ttl'), 250)
test('seconds', reads, () => parseDuration('30s', '--ttl'), 30_000)
test('minutes', reads, () => parseDuration('5m', '--ttl'), 300_000)
test('hours', reads, () => parseDuration('1h', '--ttl'), 3_600_000)
test('days', reads, () => parseDuration('7d', '--ttl'), 604_800_000)
test('a duration without unit', refuses, () => parseDuration('5', '--ttl'), '--ttl', "'5'", 'unit')
test('a duration with an unknown unit', refuses, () => parseDuration('5w', '--ttl'), "'5w'")
test('a negative duration', refuses, () => parseDuration('-5m', '--ttl'), "'-5m'")
test('a duration of nothing', refuses, () => parseDuration('0s', '--ttl'), "'0s'", 'above 0')
test('a fraction', refuses, () => parseDuration('1.5h', '--ttl'), "'1.5h'")
test('a duration beyond its bound', refuses, () => parseDuration('3651d', '--ttl'), '3650d')

test('how long ago', reads, () => parseMoment('5m', '--from', NOW), NOW - 300_000)
test('ISO 8601', reads, () => parseMoment('2026-05-01T12:00:00Z', '--from', 0), NOW)
test('epoch milliseconds', reads, () => parseMoment(String(NOW), '--from', 0), NOW)
test('a time that is none', refuses, () => parseMoment('yesterday', '--from', NOW), '--from', "'yesterday'", 'epoch')
test('a day that is none', refuses, () => parseMoment('2026-13-45', '--from', NOW), "'2026-13-45'")

test('a number at its bound', reads, () => parseInteger('900', '--timeout', 1, 900), 900)
test('a number beyond its bound', refuses, () => parseInteger('901', '--timeout', 1, 900), "'901'", '1 to 900')
test('a number in words', refuses, () => parseInteger('1e2', '--timeout', 1, 900), "'1e2'")

test('a variable whose value has an equals sign', reads, () => parseAssignment('AA=b=c'), ['AA', 'b=c'])
test('an empty variable', reads, () => parseAssignment('AA='), ['AA', ''])
test('a variable without value', refuses, () => parseAssignment('A'), "'A'", 'NAME=VALUE')
test('a variable with a name of one letter', refuses, () => parseAssignment('A=b'), "'A=…'", 'at least one')
test('a variable that starts with a digit', refuses, () => parseAssignment('1A=b'), "'1A=…'")

test('an origin', reads, () => parseOrigin('http://127.0.0.1:8787/', '--node'), 'http://127.0.0.1:8787')
test('an address without scheme', refuses, () => parseOrigin('127.0.0.1:8787', '--node'), "'127.0.0.1:8787'", 'http://HOST:PORT')
test('an address with a path', refuses, () => parseOrigin('http://h/fn', '--node'), 'without path')
test('an address with credentials', refuses, () => parseOrigin('http://u:p@h', '--node'), 'credentials')
test('a file address', refuses, () => parseOrigin('file:///etc/passwd', '--node'), 'http://')

test('any text is either read within the bound or refused as usage', (t) => {
  fc.assert(
    fc.property(fc.string(), (alleged) => {
      for (const parse of [
        () => parseDuration(alleged, 'x'),
        () => parseInteger(alleged, 'x', 0, 10),
        () => parseMoment(alleged, 'x', NOW),
        () => parseAssignment(alleged),
        () => parseOrigin(alleged, 'x')
      ]) {
        try {
          parse()
        } catch (error) {
          t.true(error instanceof UsageError)
        }
      }
    }),
    { seed: 2026, numRuns: 500 }
  )
  t.pass()
})
