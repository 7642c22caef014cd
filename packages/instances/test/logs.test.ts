import { LIMITS, type LogLine, type Ran } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { CallLogs } from '../src/call-logs.ts'
import type { Instance } from '../src/records.ts'
import { start } from './_instances.ts'

test.serial('console output becomes log lines between the platform lines of the call', async (t) => {
  const { define, lines } = await start(t)
  const fn = define(`console.log('loading'); exports.handler = async () => {
    console.log('one', { a: [1, 'x'] }); console.warn('two'); console.error(new Error('three').message); console.debug('four')
  }`)
  const { ran } = await fn.result({}, { requestId: 'r-1' })
  t.deepEqual(
    lines.map(({ level, message }) => [level, message.replace(/Duration: .*/, '…')]),
    [
      ['platform', 'START RequestId: r-1 Version: $LATEST'],
      ['info', 'loading'],
      ['info', "one { a: [ 1, 'x' ] }"],
      ['warn', 'two'],
      ['error', 'three'],
      ['debug', 'four'],
      ['platform', 'END RequestId: r-1'],
      ['platform', 'REPORT RequestId: r-1\t…']
    ]
  )
  t.like(lines[1], { function: 'fn', version: '$LATEST', requestId: 'r-1', instance: ran.usage.instance, node: 'node-1' })
})

test.serial('a silent warm call leaves no line, and a tail when it is asked for', async (t) => {
  const { define, lines } = await start(t)
  const fn = define('exports.handler = async (event) => { if (event.say) console.log(event.say) }')
  await fn.result({})
  lines.length = 0
  t.is((await fn.result({})).ran.logTail, undefined)
  t.deepEqual(lines, [])
  const tail = (await fn.result({ say: 'ä' }, { logTail: true, requestId: 'r-2' })).ran.logTail ?? ''
  t.regex(
    tail,
    /^START RequestId: r-2 Version: \$LATEST\n\d{4}-\d\d-\d\dT[\d:.]+Z\tr-2\tINFO\tä\nEND RequestId: r-2\nREPORT RequestId: r-2\tDuration: [\d.]+ ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t\tCPU Time: [\d.]+ ms\n$/
  )
})

test.serial('a flood of lines is cut and counted, both ways in', async (t) => {
  const { define, lines } = await start(t)
  const fn = define('exports.handler = async (event) => { for (let i = 0; i < event.n; i++) console.log("line " + i) }')
  for (let call = 0; call < 8; call++) await fn.result({ n: 1 })
  for (const flood of [2_500, 2_500]) {
    lines.length = 0
    const { ran } = await fn.result({ n: flood }, { logTail: true })
    const own = lines.filter(({ level }) => level === 'info')
    t.is(own.length, LIMITS.logLinesMax)
    t.is(own.at(-1)?.message, 'line 999')
    t.regex(lines.at(-3)?.message ?? '', /^1500 more lines were dropped/)
    t.true(Buffer.byteLength(ran.logTail ?? '') <= LIMITS.logTailBytesMax)
  }
})

test.serial('long lines are cut, and many bytes are as many lines', async (t) => {
  const { define, lines } = await start(t)
  const fn = define('exports.handler = async () => { for (let i = 0; i < 40; i++) console.log("é".repeat(20_000)) }')
  await fn.result({})
  const own = lines.filter(({ level }) => level === 'info')
  const bytes = own.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0)
  t.true(own.every(({ message }) => Buffer.byteLength(message) <= LIMITS.logLineBytesMax + 3))
  t.true(bytes <= LIMITS.logBytesMax + 3 * own.length)
  t.true(lines.some(({ message }) => message.includes('more lines were dropped')))
})

test.serial('what was written before a timeout is kept', async (t) => {
  const { define, lines } = await start(t)
  const fn = define('exports.handler = async () => { console.log("before"); while (true); }', { timeoutSeconds: 1 })
  const outcome = (await fn.call({}, { logTail: true })) as Ran
  t.is(outcome.status, 'timeout')
  t.true(lines.some(({ message }) => message === 'before'))
  t.regex(outcome.logTail ?? '', /INFO\tbefore\n.*Status: timeout/s)
})

const failing: readonly [how: string, source: string, errorType: string, says: RegExp][] = [
  ['its code throws', "exports.handler = async () => { throw new RangeError('planted') }", 'RangeError', /^planted$/],
  ['its module throws', "throw new Error('no DATABASE_URL')", 'Error', /^no DATABASE_URL$/],
  [
    'it runs out of time',
    'exports.handler = () => new Promise(() => setInterval(() => 0, 1_000))',
    'Sandbox.Timedout',
    /timed out/
  ],
  ['it exits', 'exports.handler = async () => process.exit(3)', 'Runtime.ExitError', /exit status 3/],
  [
    'a rejection is lost',
    "exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise((go) => setTimeout(go, 1_000)) }",
    'Runtime.UnhandledPromiseRejection',
    /lost/
  ],
  ['its answer is none', 'exports.handler = async () => ({ statusCode: 99 })', 'Runtime.InvalidHttpResponse', /statusCode 99/],
  [
    'a header of its answer is none',
    "exports.handler = async () => ({ statusCode: 200, headers: { 'bad header': 'x' } })",
    'Runtime.InvalidHttpResponse',
    /bad header/
  ],
  ['its answer is too large', "exports.handler = async () => 'x'.repeat(7_000_000)", 'Function.ResponseSizeTooLarge', /exceeded/]
]

for (const [how, source, errorType, says] of failing) {
  test.serial(`the log says once why a call over HTTP failed: ${how}`, async (t) => {
    const { define, lines } = await start(t)
    const { ran, json } = await define(source, { timeoutSeconds: 1 }).result({}, { kind: 'http' })
    t.not(ran.status, 'ok')
    const errors = lines.filter(({ level }) => level === 'error').map(({ message }) => message)
    t.is(errors.length, 1)
    t.is(errors[0]?.slice(0, 13), 'Invoke Error\t')
    const told = JSON.parse(errors[0]?.slice(13) ?? '') as { errorType: string; errorMessage: string }
    t.is(told.errorType, errorType)
    t.regex(told.errorMessage, says)
    t.deepEqual(told, json)
    t.true(lines.findIndex(({ level }) => level === 'error') < lines.findIndex(({ message }) => message.startsWith('END ')))
  })
}

test('a line of an executor that keeps to no bound is cut', (t) => {
  const lines: LogLine[] = []
  const logs = new CallLogs('node-1', new VirtualClock(), (_account, line) => lines.push(line))
  const invocation = { requestId: 'r', account: 'a', functionName: 'f', version: { version: '1' }, logTail: false }
  logs.line({ name: 'i', calls: [{ invocation }] } as unknown as Instance, [1, 'r', 0, 5, 0], Buffer.alloc(7_000_000, 'x'))
  t.deepEqual(
    lines.map(({ message }) => message.length),
    ['START RequestId: r Version: 1'.length, LIMITS.logLineBytesMax]
  )
})
