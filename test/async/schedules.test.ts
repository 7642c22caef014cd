import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy } from './_async.ts'

/** `at(…)` so many milliseconds from now, on a whole second. */
const soon = (ms: number) => `at(${new Date(Math.ceil((Date.now() + ms) / 1_000) * 1_000).toISOString().slice(0, 19)})`

test('a schedule fires once over three nodes, also when its owner is killed before', async (t) => {
  const nodes = await meshOf(t, 3)
  const client = await lambdaOf(nodes[0] as Daemon)
  await deploy(client, 'tick', "export const handler = async (event) => { console.log('FIRED ' + JSON.stringify(event)) }")
  const [first] = nodes as [Daemon]
  const lines = async (at: Daemon) => {
    const { stdout } = await at.cli('logs', 'tick', '--json')
    return stdout.split('\n').filter((line) => line.includes('FIRED '))
  }
  const add = await first.cli('triggers', 'add', 'schedule', 'once', soon(1_500), '--function', 'tick', '--json')
  t.is(add.code, 0, add.stderr)
  const [line] = await eventually(
    () => lines(first),
    (found) => found.length > 0
  )
  const event = JSON.parse((JSON.parse(line as string).message as string).replace(/^.*?FIRED /, ''))
  t.like(event, { version: '0', source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })

  // Any node can be asked, and the one that will fire it dies.
  const added = await first.cli('triggers', 'add', 'schedule', 'second', soon(4_000), '--function', 'tick', '--json')
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
