import { join } from 'node:path'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, meshOf, run, up } from '../_daemon.ts'

const PEERLESS = join(import.meta.dirname, '..', '..', 'bin', 'peerless')

test('who is invited to deploy makes a key of the token, once, and uses it at every node', async (t) => {
  const [first, second] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const invite = async (...args: string[]) => (await first.cli('invite', ...args)).stdout.trim()
  const redeem = (token: string, at: Daemon) => run(PEERLESS, ['keys', 'redeem', token, '--node', at.http, '--json'])
  const token = await invite('--role', 'deployer')

  const elsewhere = await redeem(token, second)
  t.is(elsewhere.code, 1)
  t.regex(elsewhere.stderr, /only that node redeems it/)
  const { code, stdout, stderr } = await redeem(token, first)
  t.is(code, 0, stderr)
  const { accessKeyId, secretAccessKey, role } = JSON.parse(stdout) as Record<string, string>
  t.is(role, 'deployer')
  const credentials = { accessKeyId: accessKeyId as string, secretAccessKey: secretAccessKey as string }
  for (const { http } of [first, second]) {
    const client = new LambdaClient({ endpoint: http, region: 'us-east-1', credentials })
    t.deepEqual((await client.send(new ListFunctionsCommand({}))).Functions, [])
  }

  const again = await redeem(token, first)
  t.is(again.code, 1)
  t.regex(again.stderr, /was used/)
  const machine = await redeem(await invite(), first)
  t.is(machine.code, 1)
  t.regex(machine.stderr, /joins a node, not a person/)
})

test('who is invited to invoke calls what the inviter deployed, and whose keys an invite makes can be said', async (t) => {
  const node = await up(t)
  await node.cli('deploy', join(import.meta.dirname, '..', '..', 'examples', 'hello'))
  const invited = async (...args: string[]) => {
    const token = (await node.cli('invite', '--role', 'invoker', ...args)).stdout.trim()
    const { stdout } = await run(PEERLESS, ['keys', 'redeem', token, '--node', node.http, '--json'])
    const { accessKeyId = '', secretAccessKey = '', account } = JSON.parse(stdout) as Record<string, string>
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    return { account, call: await run(PEERLESS, ['invoke', 'hello', '--node', node.http], { env }) }
  }
  const { call, account } = await invited()
  t.is(call.code, 0, call.stderr)
  t.is(account, 'default')
  const other = await invited('--account', 'shop')
  t.is(other.account, 'shop')
  t.is(other.call.code, 1)
  t.regex(other.call.stderr, /belongs to another account/)
  const wrong = await node.cli('invite', '--account', 'shop')
  t.is(wrong.code, 2)
  t.is((await node.cli('invite', '--uses', '1001')).code, 2)
})
