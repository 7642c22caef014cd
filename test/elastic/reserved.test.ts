import {
  GetFunctionConcurrencyCommand,
  type LambdaClient,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException
} from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { invoke, lambdaOf, SLEEP } from '../_functions.ts'
import { create } from './_elastic.ts'

const RESERVED = 3
/** Long beside what it takes to ask for it, so that all calls of a round are under way at once. */
const CALL_MS = 2_500

/** How many of the calls at once ran; the others must have been throttled. */
async function ran(calls: readonly LambdaClient[]): Promise<number> {
  const outcomes = await Promise.all(
    calls.map((client) =>
      invoke(client, 'narrow', { ms: CALL_MS }).then(
        () => true,
        (error) => {
          if (error instanceof TooManyRequestsException && error.Reason === 'ReservedFunctionConcurrentInvocationLimitExceeded')
            return false
          throw error
        }
      )
    )
  )
  return outcomes.filter(Boolean).length
}

test('reserved concurrency is of the whole mesh: all of it by whichever node, and no more by all of them', async (t) => {
  const nodes = (await meshOf(t, 3, ['--slots', '8'])) as [Daemon, Daemon, Daemon]
  const clients = (await Promise.all(nodes.map((node) => lambdaOf(node)))) as [LambdaClient, LambdaClient, LambdaClient]
  await create(clients[0], 'narrow', SLEEP, { Timeout: 30 })
  const command = new PutFunctionConcurrencyCommand({ FunctionName: 'narrow', ReservedConcurrentExecutions: RESERVED })
  await clients[0].send(command)
  for (const client of clients)
    await eventually(
      () => client.send(new GetFunctionConcurrencyCommand({ FunctionName: 'narrow' })),
      ({ ReservedConcurrentExecutions }) => ReservedConcurrentExecutions === RESERVED
    )
  for (const client of clients) t.is(await ran(Array.from({ length: 5 }, () => client)), RESERVED)
  t.is(await ran([...clients, ...clients]), RESERVED)
})
