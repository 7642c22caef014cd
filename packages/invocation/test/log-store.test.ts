import type { LogLine } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { LOG_FUNCTIONS_MAX } from '../src/constants.ts'
import { LogStore } from '../src/log-store.ts'

function lineOf(message: string, name = 'f'): LogLine {
  return { time: 1, level: 'info', message, function: name, version: '$LATEST', requestId: 'r', instance: 'i', node: 'n' }
}

test('who follows the lines of a node sees those of its next start, too', async (t) => {
  const clock = new VirtualClock()
  const before = new LogStore(clock.now())
  for (let line = 0; line < 50; line++) before.append('a', lineOf(`before ${line}`))
  const { lines, cursor } = before.read('a', 'f', 0, 0)
  t.is(lines.length, 50)
  await clock.advance(2_000)
  const after = new LogStore(clock.now())
  after.append('a', lineOf('after'))
  const page = after.read('a', 'f', 0, cursor)
  t.deepEqual(
    page.lines.map(({ message }) => message),
    ['after']
  )
  t.deepEqual(after.read('a', 'f', 0, page.cursor).lines, [])
})

test('what a function wrote is not shown to the account that has its name after that', (t) => {
  const store = new LogStore(0)
  store.append('a', lineOf('before'))
  store.append('b', lineOf('after'))
  const shown = (account: string) => store.read(account, 'f', 0, 0).lines.map(({ message }) => message)
  t.deepEqual(shown('a'), ['before'])
  t.deepEqual(shown('b'), ['after'])
})

test('an account that writes without end loses its own oldest lines, and nobody else’s', (t) => {
  const store = new LogStore(0)
  store.append('quiet', lineOf('kept'))
  const long = 'x'.repeat(16_384)
  for (let line = 0; line < 3_000; line++) store.append('loud', lineOf(long, `f${line % 3}`))
  t.is(store.read('quiet', 'f', 0, 0).lines.length, 1)
  const last = store.read('loud', 'f2', 0, 0)
  t.true(last.lines.length > 0)
})

test('nor does one with more functions than there is room for', (t) => {
  const store = new LogStore(0)
  store.append('quiet', lineOf('kept'))
  for (let name = 0; name < LOG_FUNCTIONS_MAX + 10; name++) store.append('loud', lineOf('x', `f${name}`))
  t.is(store.read('quiet', 'f', 0, 0).lines.length, 1)
  t.is(store.read('loud', `f${LOG_FUNCTIONS_MAX + 9}`, 0, 0).lines.length, 1)
  t.is(store.read('loud', 'f0', 0, 0).lines.length, 0)
})
