import * as sdk from '@aws-sdk/client-lambda'
import test from 'ava'
import { up } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { apiOf } from './_api.ts'

type Waiter = (config: object, input: object) => Promise<{ state: string }>

const WAITERS = [
  'FunctionActive',
  'FunctionActiveV2',
  'FunctionExists',
  'FunctionUpdated',
  'FunctionUpdatedV2',
  'PublishedVersionActive'
]

test('every waiter of the SDK waits for what is not there yet, and ends when it is', async (t) => {
  const known = Object.keys(sdk).flatMap((name) => /^wait(?:Until|For)(\w+)$/.exec(name)?.[1] ?? [])
  t.deepEqual([...new Set(known)].toSorted(), WAITERS, 'the SDK has these')
  const { client } = await apiOf(await up(t, { args: ['--slots', '0'] }))
  const waiting = WAITERS.flatMap((name) =>
    ['waitUntil', 'waitFor'].map(async (verb) => {
      const wait = (sdk as unknown as Record<string, Waiter>)[`${verb}${name}`] as Waiter
      const input = { FunctionName: 'awaited', ...(name === 'PublishedVersionActive' ? { Qualifier: '1' } : {}) }
      const { state } = await wait({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, input)
      return `${verb}${name}: ${state}`
    })
  )
  const first = await Promise.race([...waiting, client.send(new sdk.ListFunctionsCommand()).then(() => 'none yet')])
  t.is(first, 'none yet')
  await client.send(
    new sdk.CreateFunctionCommand({
      FunctionName: 'awaited',
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf('export const handler = async () => 1') },
      Publish: true
    })
  )
  for (const ended of await Promise.all(waiting)) t.regex(ended, /: SUCCESS$/)
  for (const verb of ['waitUntil', 'waitFor']) {
    const wait = (sdk as unknown as Record<string, Waiter>)[`${verb}FunctionExists`] as Waiter
    // What never comes: one throws, its older twin tells.
    const state = await wait({ client, maxWaitTime: 2, minDelay: 1, maxDelay: 1 }, { FunctionName: 'never' }).then(
      (result) => result.state,
      (error: Error) => error.name
    )
    t.is(state, verb === 'waitFor' ? 'TIMEOUT' : 'TimeoutError')
  }
})
