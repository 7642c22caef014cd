import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy, resultOf, send } from './_async.ts'

const EVENTS = 300

test('when the node that accepts is killed under load, nothing that it accepted is lost', async (t) => {
  const nodes = await meshOf(t, 3)
  const [a, b, c] = nodes as [Daemon, Daemon, Daemon]
  const admin = await lambdaOf(a)
  await deploy(admin, 'work', 'export const handler = (event) => new Promise((done) => setTimeout(() => done(event.n), 20))')
  // Until the other nodes know it.
  const client = await lambdaOf(b, a)
  await eventually(
    () => send(client, 'work', { n: -1 }).catch(() => ''),
    (id) => id !== ''
  )
  const accepted = new Map<string, number>()
  let next = 0
  let killed: Promise<unknown> | undefined
  const worker = async () => {
    while (next < EVENTS) {
      const n = next++
      try {
        accepted.set(await send(client, 'work', { n }), n)
      } catch {
        // Not accepted: the client knows it. That is what it means to be killed.
        return
      }
      if (accepted.size === EVENTS / 2) killed = b.stop('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  await killed
  t.true(accepted.size >= EVENTS / 2)
  let attempts = 0
  for (const [id, n] of accepted) {
    const result = await eventually(
      () => resultOf(c, id).catch(() => undefined),
      (one) => one?.status === 'succeeded',
      60_000
    )
    t.is(result?.result, n)
    attempts = Math.max(attempts, result?.attempts ?? 0)
  }
  t.true(attempts <= 2, `${attempts} attempts`)
})
