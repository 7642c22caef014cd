import { LIMITS } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { LogAllowance } from '../src/log-allowance.ts'

type Line = [requestId: string, level: number, dropped: number, bytes: number]

function allowance(): { logs: LogAllowance; lines: Line[] } {
  const lines: Line[] = []
  const logs = new LogAllowance(
    7,
    (_instance, requestId, level, dropped, text) => lines.push([requestId, level, dropped, text.length]),
    { apply: (text) => text }
  )
  return { logs, lines }
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0

test('whatever is told as a line goes on as the daemon takes it, or not at all', (t) => {
  const level = fc.oneof(fc.anything(), fc.double(), fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY, 1.5, 2 ** 60))
  const text = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', '\0\r\n', 'x'.repeat(300_000)))
  const told = fc.array(fc.tuple(fc.boolean(), level, text), { maxLength: 20 })
  fc.assert(
    fc.property(told, (all) => {
      const { logs, lines } = allowance()
      logs.open('request')
      for (const [isLine, one, what] of all) {
        if (isLine) logs.line(one, what)
        else logs.dropped(one)
      }
      const bytes = lines.filter(([, , dropped]) => dropped === 0).reduce((sum, [, , , size]) => sum + size, 0)
      return (
        bytes <= LIMITS.logBytesMax + all.length * 200 &&
        lines.every(([id, its, dropped]) => id === 'request' && isCount(its) && its <= 3 && isCount(dropped))
      )
    }),
    { seed: 20_261_129, numRuns: 300 }
  )
  t.pass()
})

test('lines and bytes of one call are bounded, and the next has its own', (t) => {
  const { logs, lines } = allowance()
  logs.open('first')
  for (let line = 0; line < LIMITS.logLinesMax + 5; line++) logs.line(1, 'x')
  logs.dropped(2)
  t.is(lines.length, LIMITS.logLinesMax + 1)
  t.deepEqual(lines.at(-1)?.slice(0, 3), ['first', 2, 7])
  logs.open('second')
  for (let line = 0; line < 100; line++) logs.line(1, '€'.repeat(LIMITS.logLineBytesMax))
  const second = lines.filter(([id]) => id === 'second')
  t.true(second.every(([, , , bytes]) => bytes <= LIMITS.logLineBytesMax))
  t.true(second.reduce((sum, [, , , bytes]) => sum + bytes, 0) <= LIMITS.logBytesMax)
})
