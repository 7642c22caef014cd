import {
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateFunctionConfigurationCommand
} from '@aws-sdk/client-lambda'
import test from 'ava'
import { up } from '../_daemon.ts'
import { HELLO } from '../_functions.ts'
import { deploy } from '../async/_async.ts'
import { type Person, personOf } from './_accounts.ts'

test('what one account reserves is not taken from what another may reserve, and is not told to it', async (t) => {
  const daemon = await up(t)
  const alice = await personOf(daemon, 'alice')
  const bob = await personOf(daemon, 'bob')
  await deploy(alice.lambda, 'own', HELLO)
  await deploy(bob.lambda, 'greedy', HELLO)
  const reserve = ({ lambda }: Person, name: string, count: number) =>
    lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: count }))
  const unreserved = async ({ lambda }: Person) =>
    (await lambda.send(new GetAccountSettingsCommand({}))).AccountLimit?.UnreservedConcurrentExecutions
  t.is((await reserve(bob, 'greedy', 900)).ReservedConcurrentExecutions, 900)
  await t.throwsAsync(reserve(bob, 'greedy', 901), {
    message: /UnreservedConcurrentExecution below its minimum value of \[100\]/
  })
  t.is(await unreserved(bob), 100)
  t.is(await unreserved(alice), 1_000)
  t.is((await reserve(alice, 'own', 10)).ReservedConcurrentExecutions, 10)
})

test('of two reservations that are asked for at once, and are too many together, one is refused', async (t) => {
  const daemon = await up(t)
  const { lambda } = await personOf(daemon, 'alice')
  const names = ['one', 'two', 'three']
  for (const name of names) await deploy(lambda, name, HELLO)
  const asked = await Promise.allSettled(
    names.map((FunctionName) =>
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 500 }))
    )
  )
  t.is(asked.filter(({ status }) => status === 'fulfilled').length, 1)
  const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}))
  t.is(AccountLimit?.UnreservedConcurrentExecutions, 500)

  await lambda.send(new PublishVersionCommand({ FunctionName: 'one' }))
  await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'one' }))
  const [reserved, provisioned] = await Promise.allSettled([
    lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'one', ReservedConcurrentExecutions: 1 })),
    lambda.send(
      new PutProvisionedConcurrencyConfigCommand({ FunctionName: 'one', Qualifier: '1', ProvisionedConcurrentExecutions: 2 })
    )
  ])
  t.not(reserved.status, provisioned.status)
})

test('what is provisioned for the versions of one function is together no more than the account has', async (t) => {
  const daemon = await up(t)
  const { lambda } = await personOf(daemon, 'alice')
  await deploy(lambda, 'one', HELLO)
  const publish = async () => (await lambda.send(new PublishVersionCommand({ FunctionName: 'one' }))).Version as string
  const provision = (Qualifier: string, ProvisionedConcurrentExecutions: number) =>
    lambda.send(new PutProvisionedConcurrencyConfigCommand({ FunctionName: 'one', Qualifier, ProvisionedConcurrentExecutions }))
  const first = await publish()
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'one', Description: 'another' }))
  const second = await publish()
  t.not(first, second)
  await provision(first, 900)
  await t.throwsAsync(provision(second, 1), { message: /UnreservedConcurrentExecution below its minimum value of \[100\]/ })
  await provision(first, 500)
  await provision(second, 400)
})
