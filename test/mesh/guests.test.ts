import { join } from 'node:path'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, meshOf, run } from '../_daemon.ts'

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
