import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { finishCalls } from '../src/finish-calls.ts'

test('a call that does not end holds up a stop once, not at the gateway and at its instance', async (t) => {
  const clock = new VirtualClock()
  const waits: number[] = []
  const waiting = (ms: number) =>
    new Promise<void>((resolve) => {
      waits.push(ms)
      clock.after(ms, resolve)
    })
  const parts = { gateway: { close: waiting }, instances: { drain: (ms: number) => waiting(ms).then(() => false) } }
  const finished = finishCalls(parts, 10_000, clock)
  await clock.advance(10_000)
  await finished
  t.deepEqual(waits, [10_000, 0])
})
