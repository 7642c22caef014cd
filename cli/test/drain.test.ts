import test from 'ava'
import { startFakeNode } from './_fake-node.ts'
import { runCommand } from './_host.ts'

test('drain asks the node for it, says what becomes of calls, and takes it back', async (t) => {
  let takers = 2
  const node = await startFakeNode(t, {
    'PUT /v1/node/drain': () => ({ json: { draining: true, inFlight: 3, takers } }),
    'DELETE /v1/node/drain': { json: { draining: false, inFlight: 0, takers: 2 } }
  })
  const drain = (...args: string[]) => runCommand(['drain', ...args, '--data', node.data])
  t.deepEqual(await drain(), {
    code: 0,
    stdout: '',
    stderr:
      "Draining: 3 requests are under way here still. What comes here goes to 2 others. 'peerless drain --off' lets it work again.\n"
  })
  takers = 0
  t.regex((await drain()).stderr, /No other node takes work, so calls that come here are refused/)
  t.deepEqual(JSON.parse((await drain('--json')).stdout), { draining: true, inFlight: 3, takers: 0 })
  t.is((await drain('--off')).stderr, 'It takes work again.\n')
  t.deepEqual(
    node.received.map(({ method, signed }) => [method, signed]),
    [
      ['PUT', true],
      ['PUT', true],
      ['PUT', true],
      ['DELETE', true]
    ]
  )
})
