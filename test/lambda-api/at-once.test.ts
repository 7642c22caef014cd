import test from 'ava'
import { eventually, meshOf } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import type { Answer } from './_api.ts'
import { ARN } from './_calls.ts'
import { type Place, placeOf } from './_changes.ts'

const NAME = 'shared'
const of = { FunctionName: NAME }
const saying = (what: number) => zipOf(`export const handler = async () => ${what}`)

test('what clients change at three nodes at once is all there, and of two that make one thing one is refused', async (t) => {
  const daemons = await meshOf(t, 3)
  const places = await Promise.all(daemons.map(placeOf))
  for (const { ask } of places)
    await eventually(
      async () => (await ask('GET', '/v1/peers')).json as { status: string }[],
      (peers) => peers.filter(({ status }) => status === 'connected').length === 3
    )
  /** The same operation at every node at once; the input is made for each. */
  const everywhere = (operation: string, input: (place: number) => object): Promise<Answer[]> =>
    Promise.all(places.map(({ api }, place) => api.call(operation, input(place))))
  const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort()

  const created = await everywhere('CreateFunction', (place) => ({
    ...of,
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    MemorySize: 128 + place,
    Code: { ZipFile: saying(place) }
  }))
  t.deepEqual(statuses(created), [201, 409, 409])
  for (const { status, json } of created) if (status === 409) t.regex(json.message ?? json.Message, /Function already exist/)
  const made = created.find(({ status }) => status === 201)?.json.MemorySize

  // Every node takes part in every one of these, sixteen tags and one of each other kind from each.
  const tags = Array.from({ length: 16 }, (_, index) => index)
  const answers = await Promise.all([
    ...tags.map((index) =>
      everywhere('TagResource', (place) => ({ Resource: `${ARN}:function:${NAME}`, Tags: { [`t${place}-${index}`]: 'x' } }))
    ),
    everywhere('AddPermission', (place) => ({
      ...of,
      StatementId: `s${place}`,
      Action: 'lambda:InvokeFunction',
      Principal: `${place}`.repeat(12)
    })),
    everywhere('PublishLayerVersion', (place) => ({
      LayerName: 'base',
      Content: { ZipFile: zipOf(`export const value = ${place}`) }
    })),
    everywhere('UpdateFunctionConfiguration', (place) => ({
      ...of,
      ...[{ Timeout: 7 }, { Description: 'by many' }, { Environment: { Variables: { WHO: '1' } } }][place]
    }))
  ])
  const all = answers.flat()
  t.true(
    all.every(({ status }) => status < 300),
    JSON.stringify(all.find(({ status }) => status >= 300)?.json)
  )

  const layers = answers.at(-2) as Answer[]
  t.deepEqual(layers.map(({ json }) => json.Version).sort(), [1, 2, 3])
  const published = await everywhere('PublishVersion', () => of)
  t.deepEqual(
    published.map(({ json }) => json.Version),
    ['1', '1', '1']
  )
  t.is(new Set(published.map(({ json }) => json.RevisionId)).size, 1)

  const seen = async ({ api }: Place) => {
    const { Configuration, Tags } = (await api.call('GetFunction', of)).json
    const { Policy } = (await api.call('GetPolicy', of)).json
    const { LayerVersions } = (await api.call('ListLayerVersions', { LayerName: 'base' })).json
    return {
      made: Configuration.MemorySize,
      changed: [Configuration.Timeout, Configuration.Description, Configuration.Environment?.Variables.WHO],
      tags: Object.keys(Tags ?? {}).length,
      statements: JSON.parse(Policy ?? '{"Statement":[]}').Statement.length,
      layers: LayerVersions.length
    }
  }
  const wanted = { made, changed: [7, 'by many', '1'], tags: 48, statements: 3, layers: 3 }
  for (const place of places)
    t.deepEqual(
      await eventually(
        () => seen(place),
        (what) => JSON.stringify(what) === JSON.stringify(wanted)
      ).catch(() => seen(place)),
      wanted
    )
})

test('of a reservation and a provision that do not go together, asked for at two nodes at once, one is refused', async (t) => {
  const daemons = await meshOf(t, 2)
  const [one, two] = (await Promise.all(daemons.map(placeOf))) as [Place, Place]
  for (const { ask } of [one, two])
    await eventually(
      async () => (await ask('GET', '/v1/peers')).json as { status: string }[],
      (peers) => peers.filter(({ status }) => status === 'connected').length === 2
    )
  const code = { Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: saying(1) } }
  t.is((await one.api.call('CreateFunction', { ...of, ...code, Publish: true })).status, 201)
  await eventually(
    () => two.api.call('GetFunction', { ...of, Qualifier: '1' }),
    ({ status }) => status === 200
  )
  const answers = await Promise.all([
    one.api.call('PutFunctionConcurrency', { ...of, ReservedConcurrentExecutions: 1 }),
    two.api.call('PutProvisionedConcurrencyConfig', { ...of, Qualifier: '1', ProvisionedConcurrentExecutions: 2 })
  ])
  t.deepEqual(answers.map(({ status }) => status < 300).sort(), [false, true], JSON.stringify(answers.map(({ json }) => json)))
})
