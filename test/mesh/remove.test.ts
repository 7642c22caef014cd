import test from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { create, get, HELLO } from '../_functions.ts'

interface Peer {
  peerId: string
  name: string
  status: string
}

async function peersOf(daemon: Daemon): Promise<Peer[]> {
  const { code, stdout, stderr } = await daemon.cli('peers', '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

test('a machine is removed by name: what it deployed stays, and it is left alone for ever', async (t) => {
  const [founder, other, lost] = (await meshOf(t, 3)) as [Daemon, Daemon, Daemon]
  await create(lost, 'hello', HELLO)
  const answers = (daemon: Daemon) =>
    eventually(
      () => get(`${daemon.http}/fn/hello?name=Ada`),
      ({ status }) => status === 200
    )
  for (const daemon of [founder, other]) await answers(daemon)
  const [self] = (await peersOf(lost)) as [Peer]

  const elsewhere = await other.cli('peers', 'remove', self.name)
  t.not(elsewhere.code, 0)
  t.true(elsewhere.stderr.includes((await peersOf(founder))[0]?.peerId ?? '?'), elsewhere.stderr)
  t.regex((await founder.cli('peers', 'remove', 'nobody')).stderr, /no node 'nobody'/)

  const { code, stdout, stderr } = await founder.cli('peers', 'remove', self.name, '--json')
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { removed: [self.peerId] })
  const keys = JSON.parse((await founder.cli('keys', 'list', '--json')).stdout) as { node?: string }[]
  t.deepEqual(keys.map(({ node }) => node).sort(), [founder.peerId, other.peerId].sort())
  for (const daemon of [founder, other]) {
    const peers = await eventually(
      () => peersOf(daemon),
      (all) => all.length === 2 && all.every(({ status }) => status === 'connected')
    )
    t.false(peers.some(({ peerId }) => peerId === self.peerId))
    t.is((await answers(daemon)).body, '{"hello":"Ada"}')
  }
  await eventually(
    () => peersOf(lost),
    (all) => all.every(({ peerId, status }) => peerId === self.peerId || status === 'unreachable')
  )
  // Its own operator need not look for it in the log, also where it was away and a start finds it out.
  await lost.stop()
  const back = await up(t, { data: lost.dataDir })
  await eventually(
    () => back.cli('peers'),
    ({ stderr }) => /2 of them refuse this node: .* is no member any more: it was removed at .* an empty data folder/.test(stderr)
  )
  t.regex((await back.cli('leave', '--yes')).stderr, /removed/)

  // Who comes later hears of what it deployed, which it signed, and not of it.
  const invited = await founder.cli('invite')
  const late = await up(t, { args: ['--join', invited.stdout.trim()] })
  t.is((await answers(late)).body, '{"hello":"Ada"}')
  await eventually(
    () => peersOf(late),
    (all) => all.length === 3 && all.every(({ peerId }) => peerId !== self.peerId)
  )
  t.is((await founder.cli('ledger', 'verify')).code, 0)
})
