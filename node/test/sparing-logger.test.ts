import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { SparingLogger } from '../src/sparing-logger.ts'

test('of a warning that comes over and over, twenty lines in ten seconds are written, and how many were left out', async (t) => {
  const clock = new VirtualClock()
  const inner = new MemoryLogger()
  const logger = new SparingLogger(inner, clock)
  for (let index = 0; index < 1_000; index++) logger.child({ part: `${index % 7}` }).warn('refused a beacon', { index })
  logger.error('something else', { once: true })
  t.is(inner.lines.filter(({ message }) => message === 'refused a beacon').length, 20)
  t.like(inner.lines.at(-1), { level: 'error', message: 'something else', fields: { once: true } })
  await clock.advance(10_000)
  logger.warn('refused a beacon', { index: 1_000 })
  t.deepEqual(inner.lines.at(-1)?.fields, { index: 1_000, suppressed: 980 })
  logger.warn('refused a beacon', { index: 1_001 })
  t.deepEqual(inner.lines.at(-1)?.fields, { index: 1_001 })
})

test('what is told at other levels is told each time', (t) => {
  const inner = new MemoryLogger()
  const logger = new SparingLogger(inner, new VirtualClock())
  for (let index = 0; index < 100; index++) {
    logger.info('peer connected', { index })
    logger.debug('catalog push failed', { index })
  }
  t.is(inner.lines.length, 200)
})
