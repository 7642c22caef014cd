import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createMesh } from '@peerless/mesh'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, dataFolder, eventually, meshOf, up } from '../_daemon.ts'
import { create, get, HELLO, lambdaOf, SLEEP } from '../_functions.ts'
import { configure, resultOf, send, settled } from '../async/_async.ts'

interface Peer {
  peerId: string
  name: string
  status: string
}

async function json<Value>(daemon: Daemon, ...args: string[]): Promise<Value> {
  const { code, stdout, stderr } = await daemon.cli(...args, '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const peersOf = (daemon: Daemon) => json<Peer[]>(daemon, 'peers')

/** Resolves when the node sees these, itself included, and no others. */
async function sees(asked: Daemon, ...daemons: Daemon[]): Promise<void> {
  const wanted = daemons.map(({ peerId }) => peerId).sort()
  await eventually(
    () => peersOf(asked),
    (peers) =>
      // Its record, which says its name, comes a moment after it.
      peers.every(({ status, name }) => status === 'connected' && name !== '') &&
      JSON.stringify(peers.map(({ peerId }) => peerId).sort()) === JSON.stringify(wanted),
    20_000
  )
}

async function joinedBy(t: ExecutionContext, inviter: Daemon, ...args: string[]): Promise<Daemon> {
  const { code, stdout, stderr } = await inviter.cli('invite')
  if (code !== 0) throw new Error(stderr)
  return await up(t, { args: ['--join', stdout.trim(), ...args] })
}

/** Leaves; resolves with what it said when its process has ended. */
async function leaves(t: ExecutionContext, daemon: Daemon, ...args: string[]): Promise<{ told: string[]; successor: unknown }> {
  const ended = once(daemon.child, 'exit')
  const said = await daemon.cli('leave', '--yes', '--json', ...args)
  t.is(said.code, 0, `${said.stderr}\n${daemon.log.slice(-20).join('\n')}`)
  t.deepEqual(await ended, [0, null])
  return JSON.parse(said.stdout)
}

const answers = (daemon: Daemon, name = 'hello') =>
  eventually(
    () => get(`${daemon.http}/fn/${name}?name=Ada`),
    ({ status }) => status === 200,
    20_000
  )

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

test('a node that leaves takes nothing with it, and begins nothing in its folder any more', async (t) => {
  const founder = await up(t)
  const leaver = await joinedBy(t, founder, '--name', 'sold', '--replicas', '0')
  const child = await joinedBy(t, leaver)
  await sees(founder, founder, leaver, child)
  const lambda = await lambdaOf(leaver)
  await create(leaver, 'hello', HELLO)
  await create(leaver, 'fails', `export const handler = () => { throw new Error('again') }`)
  // What became of these nobody else knows: its events have no copies.
  await create(leaver, 'gives-up', `export const handler = () => { throw new Error('for good') }`)
  await configure(lambda, 'gives-up', undefined, undefined)
  const [good, dead] = [await send(lambda, 'hello', { name: 'Ada' }), await send(lambda, 'gives-up', { n: 1 })]
  for (const ended of [good, dead]) await settled(leaver, ended)
  t.regex((await leaver.cli('leave')).stderr, /0 waiting events, 1 dead letters/)
  // It is tried again in a minute: until then it waits at this node, and nowhere else.
  const id = await send(lambda, 'fails', {})
  const waits = await eventually(
    () => json<{ status: string; owner?: string }>(leaver, 'result', id).catch(() => undefined),
    (result) => result !== undefined
  ).catch(() => undefined)
  t.is(waits?.owner ?? leaver.peerId, leaver.peerId)
  // What was written last, to be there all the same.
  await create(leaver, 'last', HELLO)
  const { told } = await leaves(t, leaver)
  t.deepEqual(told.toSorted(), [founder.peerId, child.peerId].sort())
  for (const daemon of [founder, child]) {
    await sees(daemon, founder, child)
    for (const name of ['hello', 'last']) await answers(daemon, name)
  }
  const result = await eventually(
    async () => {
      const { stdout } = await founder.cli('result', id, '--json')
      return JSON.parse(stdout || '{}') as { status?: string; owner?: string }
    },
    ({ owner }) => owner !== undefined
  )
  t.true([founder.peerId, child.peerId].includes(result.owner ?? ''), JSON.stringify(result))
  t.deepEqual((await resultOf(child, good)).result, { hello: 'Ada' })
  t.like(await resultOf(founder, dead), { status: 'failed', functionError: 'Unhandled' })
  const letters = await json<{ requestId: string }[]>(child, 'dead-letters', 'list')
  t.deepEqual(
    letters.map(({ requestId }) => requestId),
    [dead]
  )
  t.is((await founder.cli('dead-letters', 'show', dead)).stdout, '{"n":1}\n')
  t.is((await founder.cli('ledger', 'verify')).code, 0)
  const keys = await json<{ node?: string }[]>(founder, 'keys', 'list')
  t.deepEqual(keys.map(({ node }) => node).sort(), [founder.peerId, child.peerId].sort())

  for (const args of [[], ['--join', (await founder.cli('invite')).stdout.trim()]]) {
    const error = await t.throwsAsync(up(t, { data: leaver.dataDir, args }))
    t.regex(error?.message ?? '', /exited with 1/)
    t.regex(error?.message ?? '', /sold \(12D3\w+\), left mesh 12D3\w+ at .* is no member any more/)
    t.regex(error?.message ?? '', /empty folder with --data, and an invite with --join/)
  }
  for (const file of ['mesh/node.key', 'mesh/membership.cbor', 'admin-key.json', 'daemon.json'])
    t.false(await exists(join(leaver.dataDir, file)), file)
  t.true(await exists(join(leaver.dataDir, 'left.json')))
  // Chains run through the one that left; who comes now checks them.
  const late = await joinedBy(t, child, '--name', 'sold')
  await sees(late, founder, child, late)
  await answers(late, 'last')
})

test('calls that come while a node leaves are answered whole or refused with 503, and none is lost', async (t) => {
  const founder = await up(t)
  const leaver = await joinedBy(t, founder)
  await sees(founder, founder, leaver)
  await create(leaver, 'sleep', SLEEP)
  for (const daemon of [founder, leaver])
    await eventually(
      () => get(`${daemon.http}/fn/sleep`),
      ({ status }) => status === 200
    )
  let left = false
  const seen = new Map<string, number>()
  const client = async () => {
    while (!left) {
      const said = await get(`${leaver.http}/fn/sleep`).then(
        ({ status }) => String(status),
        (error: NodeJS.ErrnoException) => error.code ?? String(error)
      )
      seen.set(said, (seen.get(said) ?? 0) + 1)
      // Its port is closed when it has ended.
      if (said === 'ECONNREFUSED') return
    }
  }
  const clients = Array.from({ length: 8 }, client)
  await eventually(
    async () => seen.get('200') ?? 0,
    (count) => count > 8
  )
  await leaves(t, leaver)
  left = true
  await Promise.all(clients)
  const wrong = [...seen.keys()].filter((said) => !['200', '503', 'ECONNREFUSED', 'ECONNRESET'].includes(said))
  t.deepEqual(wrong, [], JSON.stringify([...seen]))
})

test('a founder that leaves says who inherits from it, and that one can remove the others', async (t) => {
  const [founder, heir, other] = (await meshOf(t, 3)) as [Daemon, Daemon, Daemon]
  await Promise.all([founder, heir, other].map((one) => sees(one, founder, heir, other)))
  t.not((await heir.cli('peers', 'remove', other.peerId)).code, 0)
  const before = await founder.cli('leave')
  t.is(before.code, 1)
  t.is(before.stdout, '')
  t.regex(before.stderr, /\(2 of 2 are connected\)/)
  t.true(before.stderr.includes(`(${heir.peerId}) will be able to remove any other node`), before.stderr)
  t.regex(before.stderr, new RegExp(`With --successor it can be \\S+ \\(${other.peerId}\\) instead`))
  t.regex(before.stderr, /nothing was done yet\n'peerless leave --yes' does it/)
  await sees(heir, founder, heir, other)
  const refused = await founder.cli('leave', '--yes', '--successor', founder.peerId)
  t.is(refused.code, 1)
  t.regex(refused.stderr, /cannot succeed this node/)
  t.regex((await founder.cli('leave', '--successor', 'nobody')).stderr, /no node 'nobody'/)
  t.regex((await heir.cli('leave', '--successor', other.peerId)).stderr, /has nothing to hand on/)
  t.is((await founder.cli('leave', '--successor', 'x'.repeat(65))).code, 2)

  const { successor } = await leaves(t, founder)
  t.like(successor, { peerId: heir.peerId })
  t.false(await exists(join(founder.dataDir, 'mesh', 'mesh.key')))
  for (const one of [heir, other]) await sees(one, heir, other)
  const late = await joinedBy(t, other)
  await sees(late, heir, other, late)
  const elsewhere = await late.cli('peers', 'remove', other.peerId)
  t.true(elsewhere.stderr.includes(heir.peerId), elsewhere.stderr)
  const removed = await heir.cli('peers', 'remove', other.peerId)
  t.is(removed.code, 0, removed.stderr)
  for (const one of [heir, late]) await sees(one, heir, late)
  // The right goes on from there.
  t.like((await leaves(t, heir)).successor, { peerId: late.peerId })
  await sees(late, late)
  t.is((await late.cli('leave', '--json')).code, 1)
})

test('one that was away when a node left hears of it, and a node with nobody to tell does not leave', async (t) => {
  const [founder, leaver, away] = (await meshOf(t, 3)) as [Daemon, Daemon, Daemon]
  await sees(founder, founder, leaver, away)
  await away.stop()
  await Promise.all(
    [founder, leaver].map((one) =>
      eventually(
        () => peersOf(one),
        (all) => all.some(({ status }) => status === 'unreachable')
      )
    )
  )
  t.deepEqual((await leaves(t, leaver)).told, [founder.peerId])
  const alone = await founder.cli('leave', '--yes')
  t.is(alone.code, 1)
  t.regex(alone.stderr, /none of the 1 other members is connected: nobody would hear/)
  t.is((await get(`${founder.http}/readyz`)).status, 200, 'it works on')
  const back = await up(t, { data: away.dataDir })
  await sees(back, founder, back)
  await sees(founder, founder, back)
})

test('a node whose run ended in the midst of leaving tells the mesh at its next start, and ends', async (t) => {
  const [founder, leaver] = (await meshOf(t, 2)) as [Daemon, Daemon]
  await sees(founder, founder, leaver)
  await leaver.stop()
  // As far as it had come: it is signed and on its own disk, and nobody has heard.
  const mesh = await createMesh({
    directory: join(leaver.dataDir, 'mesh'),
    name: 'any',
    // Of whom it knows nothing is written anew: it has not started.
    clock: new VirtualClock(),
    random: { next: () => 0, bytes: (count) => new Uint8Array(count), uuid: () => '' },
    logger: new MemoryLogger()
  })
  await mesh.leaving.leave()
  t.true((await peersOf(founder)).some(({ peerId }) => peerId === leaver.peerId))
  const error = await t.throwsAsync(up(t, { data: leaver.dataDir }))
  t.regex(error?.message ?? '', /exited with 1[\s\S]*left mesh/)
  await sees(founder, founder)
  t.true(await exists(join(leaver.dataDir, 'left.json')))
  t.false(await exists(join(leaver.dataDir, 'mesh', 'node.key')))
})

test('the last member takes the mesh with it, and says so before', async (t) => {
  const daemon = await up(t)
  const before = await daemon.cli('leave')
  t.is(before.code, 1)
  t.regex(before.stderr, /is the only member of mesh \w+: when it leaves, that is gone/)
  t.deepEqual((await leaves(t, daemon)).told, [])
  await t.throwsAsync(up(t, { data: daemon.dataDir }), { message: /left mesh/ })
  await up(t, { data: await dataFolder(t) })
})

test('a node that leaves says who has not signed for what it ran for them, before and after', async (t) => {
  const leaver = await up(t)
  const [caller, other] = [
    await joinedBy(t, leaver, '--slots', '0', '--name', 'debtor'),
    await joinedBy(t, leaver, '--slots', '0')
  ]
  await sees(leaver, leaver, caller, other)
  await create(leaver, 'hello', HELLO)
  await answers(caller)
  t.notRegex((await leaver.cli('leave')).stderr, /has not signed/)
  // It goes before the call is on the books of either.
  t.is((await get(`${caller.http}/fn/hello`)).status, 200)
  await caller.stop('SIGKILL')
  const said = new RegExp(`debtor \\(${caller.peerId}\\) has not signed for calls that ran here`)
  await eventually(
    () => leaver.cli('leave'),
    ({ stderr }) => said.test(stderr)
  )
  const left = await leaver.cli('leave', '--yes')
  t.is(left.code, 0)
  t.regex(left.stderr, said)
})
