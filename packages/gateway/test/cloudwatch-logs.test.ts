import { inspect } from 'node:util'
import type { LogLine } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { ask, signed } from './_http.ts'
import { type Fixture, logLine, start } from './_ports.ts'

type Output = Record<string, unknown> & {
  events?: { message: string; eventId: string; logStreamName: string; timestamp: number }[]
}

/** 2026-01-02T03:04:05.006Z */
const TIME = 1_767_323_045_006

function line(after: number, message: string, over: Partial<LogLine> = {}): LogLine {
  return { ...logLine(message), time: TIME + after, requestId: 'r1', ...over }
}

/** Lines that are there from the time on that is asked for, whichever way round the peers say them. */
async function withLines(t: ExecutionContext, lines: LogLine[]): Promise<Fixture & { sinces: number[] }> {
  const sinces: number[] = []
  const node = await start(t, {
    logs: {
      async *read({ sinceMs, account }) {
        sinces.push(sinceMs)
        const shown = lines.filter(({ time }) => time >= sinceMs && account !== '')
        yield* sinces.length % 2 === 0
          ? shown
          : shown.toSorted((a, b) => a.time - b.time || (a.node === b.node ? 0 : a.node < b.node ? 1 : -1))
      }
    }
  })
  return Object.assign(node, { sinces })
}

async function call(
  node: Fixture,
  operation: string,
  input: object | string,
  key = node.deployer
): Promise<{ code: string; output: Output }> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${operation}` }
  const body = typeof input === 'string' ? input : JSON.stringify(input)
  const sign = { date: new Date(node.clock.now()), service: 'logs' }
  const answer = await ask(node, await signed(node, key, { method: 'POST', path: '/', headers, body }, sign))
  const output = answer.json()
  return { code: answer.status === 200 ? 'ok' : `${answer.status} ${output.__type}`, output }
}

const GROUP = { logGroupName: '/aws/lambda/hello' }
const messages = ({ output }: { output: Output }) => output.events?.map(({ message }) => message.trimEnd().split('\t').at(-1))

test('events are written as Lambda writes them, over all nodes in the order of their time', async (t) => {
  const node = await withLines(t, [
    line(1, 'START RequestId: r1', { level: 'platform' }),
    line(3, 'there', { node: 'a', level: 'error', instance: 'j', version: '7' }),
    line(2, 'here', { node: 'b' })
  ])
  const { code, output } = await call(node, 'FilterLogEvents', { ...GROUP, interleaved: true, startTime: TIME, limit: null })
  t.is(code, 'ok', inspect(output))
  t.deepEqual(
    output.events?.map(({ message }) => message),
    ['START RequestId: r1\n', '2026-01-02T03:04:05.008Z\tr1\tINFO\there\n', '2026-01-02T03:04:05.009Z\tr1\tERROR\tthere\n']
  )
  t.like(output.events?.[2], { logStreamName: '2026/01/02/[7]j', timestamp: TIME + 3, ingestionTime: TIME + 3 })
  t.regex(output.events?.[2]?.eventId ?? '', /^\d{56}$/)
  t.is(output.nextToken, undefined)
})

test('what a peer says of times that are none is left out', async (t) => {
  const lines = [line(Number.NaN, 'never'), line(0, 'now'), line(Number.POSITIVE_INFINITY, 'always'), line(1e17, 'late')]
  const node = await start(t, {
    logs: {
      async *read() {
        yield* lines
      }
    }
  })
  t.deepEqual(messages(await call(node, 'FilterLogEvents', GROUP)), ['now'])
  t.is((await call(node, 'DescribeLogStreams', GROUP)).code, 'ok')
})

test('pages together have each event once, also where many are of one millisecond and say the same', async (t) => {
  const lines = Array.from({ length: 40 }, (_, index) =>
    line(index >> 3, index % 3 === 0 ? 'same' : `n ${index}`, { node: `n${index % 2}` })
  )
  const node = await withLines(t, lines)
  const whole = (await call(node, 'FilterLogEvents', GROUP)).output.events ?? []
  t.is(whole.length, 40)
  t.is(new Set(whole.map(({ eventId }) => eventId)).size, 40)
  for (const filterPattern of ['', 'n'])
    for (const limit of [1, 3, 7, 39, 40]) {
      const found: typeof whole = []
      let nextToken: unknown
      do {
        const { code, output } = await call(node, 'FilterLogEvents', { ...GROUP, limit, nextToken, filterPattern })
        t.is(code, 'ok')
        found.push(...(output.events ?? []))
        nextToken = output.nextToken
      } while (nextToken !== undefined)
      t.deepEqual(
        found,
        whole.filter(({ message }) => message.includes(filterPattern))
      )
    }
  t.true(node.sinces.includes(TIME + 4), 'what was on pages before is not read again')
  const large = await withLines(
    t,
    Array.from({ length: 12 }, (_, index) => line(index, 'x'.repeat(100_000)))
  )
  const first = await call(large, 'FilterLogEvents', GROUP)
  t.is(first.output.events?.length, 10, 'a page has a megabyte')
  t.is((await call(large, 'FilterLogEvents', { ...GROUP, nextToken: first.output.nextToken })).output.events?.length, 2)
})

test('events are chosen by stream, time and terms', async (t) => {
  const day = 86_400_000
  const node = await withLines(t, [
    line(0, 'an ERROR here'),
    line(1, 'all "well"', { instance: 'j' }),
    line(2, 'an ERROR of another kind'),
    line(day, 'next day')
  ])
  const chosen = async (input: object) => messages(await call(node, 'FilterLogEvents', { ...GROUP, ...input }))
  t.deepEqual(await chosen({ endTime: TIME + 1 }), ['an ERROR here', 'all "well"'])
  t.deepEqual(await chosen({ logStreamNames: ['2026/01/02/[$LATEST]j'] }), ['all "well"'])
  t.deepEqual(
    await chosen({ logStreamNames: ['2026/01/02/[$LATEST]i'], startTime: TIME + 3 }),
    ['next day'],
    'a name is the instance’s on all days'
  )
  t.deepEqual(await chosen({ logStreamNamePrefix: '2026/01/03' }), ['next day'])
  t.deepEqual(await chosen({ filterPattern: 'ERROR -another' }), ['an ERROR here'])
  t.deepEqual(await chosen({ filterPattern: '?kind ?"next day"' }), ['an ERROR of another kind', 'next day'])
  t.deepEqual(await chosen({ filterPattern: '"\\"well\\""' }), ['all "well"'])
  for (const filterPattern of ['{ $.x = 1 }', '[a, b]', '%x%', 'x'.repeat(1_025)])
    t.is((await call(node, 'FilterLogEvents', { ...GROUP, filterPattern })).code, '400 InvalidParameterException', filterPattern)
})

test('a stream is read from its end or its head, page by page, both ways', async (t) => {
  const lines = Array.from({ length: 9 }, (_, index) => line(index >> 1, `${index}`, { instance: index % 4 === 3 ? 'j' : 'i' }))
  const node = await withLines(t, lines)
  const page = async (input: object) => {
    const { code, output } = await call(node, 'GetLogEvents', { ...GROUP, logStreamName: '2026/01/02/[$LATEST]i', ...input })
    t.is(code, 'ok', inspect(output))
    return { text: messages({ output })?.join(''), forward: output.nextForwardToken, backward: output.nextBackwardToken }
  }
  t.is((await page({})).text, '0124568')
  t.is((await page({ startTime: TIME + 1, endTime: TIME + 3 })).text, '245')
  const end = await page({ limit: 3 })
  t.is(end.text, '568')
  const before = await page({ limit: 3, nextToken: end.backward })
  t.is(before.text, '124')
  t.is((await page({ limit: 3, nextToken: before.forward })).text, '568')
  const head = await page({ limit: 3, nextToken: before.backward })
  t.is(head.text, '0')
  const none = await page({ nextToken: head.backward })
  t.deepEqual(none, { text: '', forward: none.forward, backward: head.backward }, 'what is over gives its own token back')
  t.is((await page({ limit: 2, startFromHead: true })).text, '01')
  t.is((await page({ nextToken: end.forward })).forward, end.forward)
  lines.push(line(5, 'new'))
  t.is((await page({ nextToken: end.forward })).text, 'new')
  const wrong = { ...GROUP, logStreamName: 'x', nextToken: '1.1' }
  for (const input of [wrong, { ...wrong, nextToken: 'f/x' }, GROUP])
    t.is((await call(node, 'GetLogEvents', input)).code, '400 InvalidParameterException')
})

test('groups are the functions that a key may manage, streams their instances by day', async (t) => {
  const node = await withLines(t, [line(0, 'a'), line(5, 'b', { instance: 'j' }), line(9, 'c')])
  const groups = (await call(node, 'DescribeLogGroups', { logGroupNamePrefix: '/aws/lambda/hel' })).output
  const arn = (groups.logGroups as { arn: string }[])[0]?.arn ?? ''
  t.regex(arn, /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:\/aws\/lambda\/hello:\*$/)
  t.deepEqual((await call(node, 'DescribeLogGroups', {}, node.stranger)).output, { logGroups: [] })
  const streams = async (input: object) => {
    const { output } = await call(node, 'DescribeLogStreams', { ...GROUP, ...input })
    return [
      (output.logStreams as { logStreamName: string }[]).map(({ logStreamName }) => logStreamName.slice(-1)).join(''),
      output.nextToken
    ]
  }
  t.deepEqual(await streams({}), ['ij', undefined])
  t.deepEqual(await streams({ orderBy: 'LastEventTime' }), ['ji', undefined])
  t.deepEqual(await streams({ orderBy: 'LastEventTime', descending: true, limit: 1 }), ['i', '1'])
  t.deepEqual(await streams({ orderBy: 'LastEventTime', descending: true, limit: 1, nextToken: '1' }), ['j', undefined])
  t.is((await call(node, 'FilterLogEvents', { logGroupIdentifier: arn })).code, 'ok')
})

test('logs are for those who may manage the function, and requests that make no sense are refused', async (t) => {
  const node = await withLines(t, [])
  const code = async (operation: string, input: object | string, key?: typeof node.deployer) =>
    (await call(node, operation, input, key)).code
  t.is(await code('FilterLogEvents', GROUP, node.stranger), '400 AccessDeniedException')
  t.is(await code('DescribeLogStreams', GROUP, node.stranger), '400 AccessDeniedException')
  t.is(await code('FilterLogEvents', { logGroupName: '/aws/lambda/nobody' }), '400 ResourceNotFoundException')
  t.is(await code('FilterLogEvents', { logGroupName: 'hello' }), '400 ResourceNotFoundException')
  t.is(await code('PutLogEvents', GROUP), '400 UnknownOperationException')
  t.is(await code('constructor', GROUP), '400 UnknownOperationException')
  t.is(await code('FilterLogEvents', GROUP, { ...node.deployer, secretAccessKey: 'wrong' }), '400 InvalidSignatureException')
  for (const wrong of [
    { limit: 0 },
    { limit: 10_001 },
    { startTime: '1' },
    { nextToken: 'x' },
    { nextToken: 1 },
    { logStreamNames: 'x' }
  ])
    t.is(await code('FilterLogEvents', { ...GROUP, ...wrong }), '400 InvalidParameterException', inspect(wrong))
  for (const wrong of ['[]', 'null', '"x"', '{']) t.regex(await code('FilterLogEvents', wrong), /^400 Invalid/, wrong)
})

test('no more than four readings are under way at once', async (t) => {
  const { promise: reading, resolve: begun } = Promise.withResolvers<void>()
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  let count = 0
  const node = await start(t, {
    logs: {
      // biome-ignore lint/correctness/useYield: it ends without a line
      async *read() {
        if (++count === 4) begun()
        await gate
      }
    }
  })
  const held = Array.from({ length: 4 }, () => call(node, 'FilterLogEvents', GROUP))
  await reading
  t.is((await call(node, 'FilterLogEvents', GROUP)).code, '400 ThrottlingException')
  open()
  for (const one of await Promise.all(held)) t.is(one.code, 'ok')
  t.is((await call(node, 'FilterLogEvents', GROUP)).code, 'ok')
})
