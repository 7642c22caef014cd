import { type Clock, PeerlessError } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import type { Admission } from '../src/admission.ts'
import { Intake } from '../src/intake.ts'
import type { Writer } from '../src/writer.ts'

test('who sends much that takes its time and is refused is told to wait, and nobody else is', async (t) => {
  const clock = new VirtualClock()
  let workedMs = 0
  const working: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + workedMs,
    after: (ms, run) => clock.after(ms, run),
    every: (ms, run) => clock.every(ms, run)
  }
  const admission: Pick<Admission, 'admit'> = {
    admit: ([first]) => {
      workedMs += 90
      if (first === 0) throw new PeerlessError('MALFORMED', 'its signature does not verify')
      return undefined
    }
  }
  const writer: Pick<Writer, 'settled'> = { settled: async () => undefined }
  const intake = new Intake({
    admission: admission as Admission,
    writer: writer as Writer,
    clock: working,
    logger: new MemoryLogger()
  })
  const take = (from: string, kinds: number[]) =>
    intake.take(
      kinds.map((kind) => Uint8Array.of(kind)),
      { from, spread: false }
    )
  await take('good', [1, 1, 1, 1])
  await take('good', [1])
  workedMs = 0
  await take('bad', [0, 0, 0])
  await t.throwsAsync(take('bad', [1]), { code: 'BUSY' })
  await take('good', [1])
  await clock.advance(1_000)
  await take('bad', [1])
})
