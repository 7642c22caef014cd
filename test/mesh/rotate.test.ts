import { join } from 'node:path'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf, run } from '../_daemon.ts'

const PEERLESS = join(import.meta.dirname, '..', '..', 'bin', 'peerless')

interface Key {
  accessKeyId: string
  secretAccessKey: string
  role: string
  account: string
  node?: string
  replaces?: string
}

const list = async (daemon: Daemon): Promise<Key[]> => {
  const { code, stdout, stderr } = await daemon.cli('keys', 'list', '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const made = async (daemon: Daemon, ...args: string[]) =>
  JSON.parse((await daemon.cli('keys', 'create', '--json', ...args)).stdout) as Key

/** Whether the pair is taken at a node. */
async function opens({ http }: Daemon, { accessKeyId, secretAccessKey }: Key): Promise<boolean> {
  const client = new LambdaClient({
    endpoint: http,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1
  })
  return await client.send(new ListFunctionsCommand({})).then(
    () => true,
    () => false
  )
}

const rotated = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Key)

test('all keys are made anew at once: the old ones open nothing, people get theirs, nodes make their own', async (t) => {
  const [first, second] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const ada = await made(first, '--role', 'deployer', '--account', 'ada')
  const bob = await made(first, '--role', 'invoker', '--account', 'bob')
  const before = await eventually(
    () => list(second),
    (keys) => keys.length === 4
  )
  t.deepEqual(before.flatMap(({ node }) => node ?? []).sort(), [first.peerId, second.peerId].sort())
  const old = await Promise.all([first.keys(), second.keys()])

  const { code, stdout, stderr } = await first.cli('keys', 'rotate', '--all', '--json')
  t.is(code, 0, stderr)
  t.regex(stderr, /Revoked: 4; 2 of nodes.*\. Keep the new secrets/)
  const fresh = rotated(stdout)
  t.deepEqual(fresh.map(({ role, account, replaces }) => [role, account, replaces]).sort(), [
    ['deployer', 'ada', ada.accessKeyId],
    ['invoker', 'bob', bob.accessKeyId]
  ])
  // Both command lines work on, with keys that their nodes have made.
  for (const daemon of [first, second]) {
    const keys = await eventually(
      () => list(daemon).catch(() => []),
      (all) => all.length === 4 && !all.some(({ accessKeyId }) => before.some((one) => one.accessKeyId === accessKeyId))
    )
    t.is(keys.filter(({ node }) => node === daemon.peerId).length, 1)
    for (const key of [ada, ...old]) t.false(await opens(daemon, key as Key))
    for (const key of fresh) t.is(await opens(daemon, key), key.role === 'deployer')
  }
})

test('one key is made anew by name, the others stay; the one that signs goes last', async (t) => {
  const [node] = (await meshOf(t, 1)) as [Daemon]
  const [ada, admin] = [await made(node, '--account', 'ada'), await made(node, '--role', 'admin')]
  const one = await node.cli('keys', 'rotate', ada.accessKeyId, ada.accessKeyId, '--json')
  t.is(one.code, 0, one.stderr)
  t.deepEqual(
    rotated(one.stdout).map(({ replaces }) => replaces),
    [ada.accessKeyId]
  )
  t.true(await opens(node, rotated(one.stdout)[0] as Key))
  t.true(await opens(node, admin))

  const env = { AWS_ACCESS_KEY_ID: admin.accessKeyId, AWS_SECRET_ACCESS_KEY: admin.secretAccessKey }
  const all = await run(PEERLESS, ['keys', 'rotate', '--all', '--json', '--node', node.http], { env })
  t.is(all.code, 0, all.stderr)
  t.is(rotated(all.stdout).at(-1)?.replaces, admin.accessKeyId)
  t.is(
    (
      await eventually(
        () => list(node).catch(() => []),
        (keys) => keys.length === 3
      )
    ).length,
    3
  )

  for (const [args, says] of [
    [['rotate'], /name access key ids or give --all/],
    [['rotate', ada.accessKeyId, '--all'], /not both/],
    [['rotate', ada.accessKeyId], /there is no access key/]
  ] as const) {
    const refused = await node.cli('keys', ...args)
    t.not(refused.code, 0)
    t.regex(refused.stderr, says)
  }
  t.is((await list(node)).length, 3)
})
