import type { LogLine } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { LogStore } from '../src/log-store.ts'

function lineOf(message: string): LogLine {
  return { time: 1, level: 'info', message, function: 'f', version: '$LATEST', requestId: 'r', instance: 'i', node: 'n' }
}

test('who follows the lines of a node sees those of its next start, too', async (t) => {
  const clock = new VirtualClock()
  const before = new LogStore(clock.now())
  for (let line = 0; line < 50; line++) before.append(lineOf(`before ${line}`))
  const { lines, cursor } = before.read('f', 0, 0)
  t.is(lines.length, 50)
  await clock.advance(2_000)
  const after = new LogStore(clock.now())
  after.append(lineOf('after'))
  const page = after.read('f', 0, cursor)
  t.deepEqual(
    page.lines.map(({ message }) => message),
    ['after']
  )
  t.deepEqual(after.read('f', 0, page.cursor).lines, [])
})
