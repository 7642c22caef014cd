import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { create, get, lambdaOf } from '../_functions.ts'
import { recorder } from '../_recorder.ts'
import { deploy } from './_async.ts'

/** `at(…)` so many milliseconds from now, on a whole second. */
const soon = (ms: number) => `at(${new Date(Math.ceil((Date.now() + ms) / 1_000) * 1_000).toISOString().slice(0, 19)})`

test.serial('a schedule fires once over three nodes, also when its owner is killed before', async (t) => {
  const nodes = await meshOf(t, 3)
  const client = await lambdaOf(nodes[0] as Daemon)
  await deploy(client, 'tick', "export const handler = async (event) => { console.log('FIRED ' + JSON.stringify(event)) }")
  const [first] = nodes as [Daemon]
  const lines = async (at: Daemon) => {
    const { stdout } = await at.cli('logs', 'tick', '--json')
    return stdout.split('\n').filter((line) => line.includes('FIRED '))
  }
  const add = await first.cli('triggers', 'add', 'schedule', 'once', soon(5_000), '--function', 'tick', '--json')
  t.is(add.code, 0, add.stderr)
  const [line] = await eventually(
    () => lines(first),
    (found) => found.length > 0
  )
  const event = JSON.parse((JSON.parse(line as string).message as string).replace(/^.*?FIRED /, ''))
  t.like(event, { version: '0', source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })

  // Any node can be asked, and the one that will fire it dies.
  const added = await first.cli('triggers', 'add', 'schedule', 'second', soon(8_000), '--function', 'tick', '--json')
  const { owner, nextAt } = JSON.parse(added.stdout) as { owner: string; nextAt: number }
  const victim = nodes.find((node) => node.peerId === owner) as Daemon
  const witness = nodes.find((node) => node.peerId !== owner) as Daemon
  await eventually(
    async () => (await witness.cli('triggers', 'show', 'second', '--json')).code,
    (code) => code === 0
  )
  await victim.stop('SIGKILL')
  const fired = await eventually(
    async () => (await lines(witness)).filter((line) => line.includes(new Date(nextAt).toISOString().slice(0, 19))),
    (found) => found.length > 0,
    15_000
  )
  t.is(fired.length, 1)
  const { time } = JSON.parse(fired[0] as string) as { time: number }
  t.true(time - nextAt < 5_000, `${time - nextAt} ms late`)
  const { stdout } = await witness.cli('triggers', 'ls', '--json')
  t.deepEqual(
    (JSON.parse(stdout) as { name: string; nextAt?: number }[]).map(({ name, nextAt }) => [name, nextAt]),
    [
      ['once', undefined],
      ['second', undefined]
    ]
  )
  t.is((await witness.cli('triggers', 'rm', 'once')).code, 0)
  t.is((await witness.cli('triggers', 'add', 'schedule', 'x', 'rate(0 minutes)', '--function', 'tick')).code, 1)
})

test.serial(
  'a schedule whose owner falls silent fires at another node within 5 s, and not again when the owner goes on',
  async (t) => {
    const nodes = await meshOf(t, 3)
    const [first] = nodes as [Daemon]
    await deploy(await lambdaOf(first), 'tick', "export const handler = async (event) => { console.log('FIRED ' + event.time) }")
    const lines = async (at: Daemon) =>
      (await at.cli('logs', 'tick', '--json')).stdout
        .split('\n')
        .filter((line) => line.includes('FIRED '))
        .map((line) => JSON.parse(line) as { time: number; message: string })
    const added = await first.cli('triggers', 'add', 'schedule', 's', soon(12_000), '--function', 'tick', '--json')
    const { owner, nextAt } = JSON.parse(added.stdout) as { owner: string; nextAt: number }
    const silent = nodes.find((node) => node.peerId === owner) as Daemon
    const witnesses = nodes.filter((node) => node !== silent)
    for (const witness of witnesses)
      await eventually(
        async () => (await witness.cli('triggers', 'show', 's', '--json')).code,
        (code) => code === 0
      )
    // So shortly before that its peers still count on it when the time comes.
    await eventually(
      async () => Date.now(),
      (now) => now > nextAt - 300,
      15_000
    )
    const pid = await silent.pid()
    process.kill(pid, 'SIGSTOP')
    t.teardown(() => process.kill(pid, 'SIGCONT'))
    const [witness] = witnesses as [Daemon]
    const [fired] = await eventually(
      () => lines(witness),
      (found) => found.length > 0,
      30_000
    )
    // That it is within 5 s is held on a virtual clock (packages/events/test/silence.test.ts); here the owner still stands still.
    t.log(`${(fired?.time as number) - nextAt} ms late`)
    process.kill(pid, 'SIGCONT')
    // It is connected again, and has had its time to fire what it missed; the next firing is its own.
    const next = JSON.parse(
      (await witness.cli('triggers', 'add', 'schedule', 's2', soon(9_000), '--function', 'tick', '--json')).stdout
    ) as { nextAt: number }
    await eventually(
      () => lines(silent),
      (found) => found.some(({ message }) => message.includes(new Date(next.nextAt).toISOString().slice(0, 19))),
      20_000
    )
    t.deepEqual(
      (await lines(silent)).map(({ message }) => message.replace(/^.*FIRED /, '').trim()),
      [nextAt, next.nextAt].map((at) => `${new Date(at).toISOString().slice(0, 19)}Z`)
    )
  }
)

test.serial('a schedule of a node that leaves fires once and in time, at another', async (t) => {
  const { url, until, heard } = await recorder(t)
  const nodes = await meshOf(t, 3, ['--allow-egress', '127.0.0.0/8'])
  const [first] = nodes as [Daemon]
  await deploy(await lambdaOf(first), 'tick', `export const handler = () => fetch('${url}?fired=1').then(() => 1)`)
  const busy = `export const handler = async () => { await fetch('${url}?busy=1'); await new Promise((resolve) => setTimeout(resolve, 9_000)) }`
  await create(first, 'busy', busy, { Timeout: 20 })
  const added = await first.cli('triggers', 'add', 'schedule', 's', soon(6_000), '--function', 'tick', '--json')
  const { owner, nextAt } = JSON.parse(added.stdout) as { owner: string; nextAt: number }
  const leaver = nodes.find((node) => node.peerId === owner) as Daemon
  await eventually(
    () => leaver.cli('show', 'busy'),
    ({ code }) => code === 0
  )
  let finished = false
  const answered = get(`${leaver.http}/fn/busy`).finally(() => {
    finished = true
  })
  await until((query) => query.has('busy'))
  const left = leaver.cli('leave', '--yes')
  await until((query) => query.has('fired'))
  t.false(finished)
  t.true(Date.now() - nextAt < 5_000, `${Date.now() - nextAt} ms late`)
  t.is((await answered).status, 200)
  t.is((await left).code, 0)
  // What fires next, fires after all that the first may have fired again.
  const rest = nodes.filter((node) => node !== leaver) as [Daemon]
  const next = await rest[0].cli('triggers', 'add', 'schedule', 'next', soon(8_000), '--function', 'busy', '--json')
  t.is(next.code, 0, next.stderr)
  await eventually(
    async () => heard.filter((query) => query.has('busy')).length,
    (count) => count === 2,
    20_000
  )
  t.is(heard.filter((query) => query.has('fired')).length, 1)
})
