import { signRequest } from '../../cli/src/sign.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { type Answer, type Api, type ApiDoor, apiOf } from './_api.ts'
import { ARN } from './_calls.ts'

/** One node as a client sees it. */
export interface Place {
  readonly http: string
  readonly api: Api
  /** The mesh's own API, signed. */
  ask(method: string, path: string, body?: object): Promise<{ status: number; json: unknown }>
  /** The Lambda API with the key of another account. */
  as(key: Key): Promise<Api>
}

interface Key {
  accessKeyId: string
  secretAccessKey: string
}

/** One kind of change: how a client makes it at one node, and how a client finds out at any node whether it is there. */
export interface Change {
  readonly kind: string
  make(place: Place, run: Run): Promise<unknown>
  shown(place: Place, run: Run): Promise<boolean>
}

/** What the changes of one run share. */
export interface Run {
  /** Unique in the mesh; 1 to 40 letters, digits and hyphens. */
  readonly name: string
  guest?: Key
  uuid?: string
  layer?: number
  route?: string
}

export async function placeOf(daemon: ApiDoor): Promise<Place> {
  const { accessKeyId, secretAccessKey } = await daemon.keys()
  const { host } = new URL(daemon.http)
  return {
    http: daemon.http,
    api: await apiOf(daemon),
    as: (key) => apiOf(daemon, { key }),
    async ask(method, path, body) {
      const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
      const order = { method, host, path, query: [], headers: {}, body: bytes, accessKeyId, secretAccessKey, region: 'us-east-1' }
      const headers = signRequest({ ...order, service: 'lambda', now: Date.now() })
      const answer = await fetch(daemon.http + path, { method, headers, ...(body === undefined ? {} : { body: bytes }) })
      const text = await answer.text()
      return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) }
    }
  }
}

const saying = (what: string) => zipOf(`export const handler = async () => ${JSON.stringify(what)}`)
const says = async ({ api }: Place, FunctionName: string, what: string) => isOk(await api.call('Invoke', { FunctionName }), what)
const isOk = ({ status, headers, json }: Answer, what: string) =>
  status === 200 && headers.get('x-amz-function-error') === null && json === what
const code = async (url: string) => {
  const answer = await fetch(url)
  await answer.arrayBuffer()
  return answer.status
}
/** The one member of an answer that the change is about. */
const has = (operation: string, input: (run: Run) => object, holds: (answer: Answer) => boolean) => {
  return async ({ api }: Place, run: Run) => holds(await api.call(operation, input(run)))
}
const sets = (operation: string, input: (run: Run) => object) => {
  return ({ api }: Place, run: Run) => api.good(operation, input(run))
}
const of = ({ name }: Run) => ({ FunctionName: name })
const live = ({ name }: Run) => ({ FunctionName: name, Name: 'live' })
const gone = ({ status }: Answer) => status === 404

/** Every kind of change that replicates, in an order in which one run can make all of them at one function. What can be seen by a call is seen by a call. */
export const CHANGES: readonly Change[] = [
  {
    kind: 'function created',
    make: ({ api }, { name }) =>
      api.good('CreateFunction', {
        FunctionName: name,
        Role: ROLE,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code: { ZipFile: saying('first') }
      }),
    shown: (place, { name }) => says(place, name, 'first')
  },
  {
    kind: 'code updated',
    make: sets('UpdateFunctionCode', (run) => ({ ...of(run), ZipFile: saying('second') })),
    shown: (place, { name }) => says(place, name, 'second')
  },
  {
    kind: 'configuration updated',
    make: sets('UpdateFunctionConfiguration', (run) => ({ ...of(run), MemorySize: 256 })),
    shown: has('GetFunctionConfiguration', of, ({ json }) => json.MemorySize === 256)
  },
  {
    kind: 'version published',
    make: sets('PublishVersion', of),
    shown: (place, { name }) => says(place, `${name}:1`, 'second')
  },
  {
    kind: 'alias created',
    make: sets('CreateAlias', (run) => ({ ...live(run), FunctionVersion: '1' })),
    shown: (place, { name }) => says(place, `${name}:live`, 'second')
  },
  {
    kind: 'alias updated',
    make: sets('UpdateAlias', (run) => ({ ...live(run), Description: 'changed' })),
    shown: has('GetAlias', live, ({ json }) => json.Description === 'changed')
  },
  {
    kind: 'URL created',
    make: sets('CreateFunctionUrlConfig', (run) => ({ ...of(run), AuthType: 'NONE' })),
    shown: async ({ http }, { name }) => (await code(`${http}/fn/${name}`)) === 200
  },
  {
    kind: 'URL closed',
    make: sets('UpdateFunctionUrlConfig', (run) => ({ ...of(run), AuthType: 'AWS_IAM' })),
    shown: async ({ http }, { name }) => (await code(`${http}/fn/${name}`)) === 403
  },
  {
    kind: 'event invoke config',
    make: sets('PutFunctionEventInvokeConfig', (run) => ({ ...of(run), MaximumRetryAttempts: 1 })),
    shown: has('GetFunctionEventInvokeConfig', of, ({ json }) => json?.MaximumRetryAttempts === 1)
  },
  {
    kind: 'access key created',
    make: async ({ ask }, run) => {
      run.guest = (await ask('POST', '/v1/keys', { role: 'deployer', account: run.name })).json as Key
    },
    shown: async ({ as }, { guest }) => (await (await as(guest as Key)).call('ListFunctions')).status === 200
  },
  {
    kind: 'permission added',
    make: sets('AddPermission', (run) => ({
      ...of(run),
      StatementId: 'guests',
      Action: 'lambda:InvokeFunction',
      Principal: run.name
    })),
    shown: async ({ as }, { name, guest }) =>
      isOk(await (await as(guest as Key)).call('Invoke', { FunctionName: name }), 'second')
  },
  {
    kind: 'permission removed',
    make: sets('RemovePermission', (run) => ({ ...of(run), StatementId: 'guests' })),
    shown: async ({ as }, { name, guest }) =>
      (await (await as(guest as Key)).call('Invoke', { FunctionName: name })).status === 403
  },
  {
    kind: 'access key revoked',
    make: async ({ ask }, { guest }) => ask('DELETE', `/v1/keys/${guest?.accessKeyId}`),
    shown: async ({ as }, { guest }) => (await (await as(guest as Key)).call('ListFunctions')).status === 403
  },
  {
    kind: 'tags',
    make: sets('TagResource', ({ name }) => ({ Resource: `${ARN}:function:${name}`, Tags: { seen: 'yes' } })),
    shown: has(
      'ListTags',
      ({ name }) => ({ Resource: `${ARN}:function:${name}` }),
      ({ json }) => json.Tags.seen === 'yes'
    )
  },
  {
    kind: 'concurrency reserved',
    make: sets('PutFunctionConcurrency', (run) => ({ ...of(run), ReservedConcurrentExecutions: 0 })),
    shown: has('Invoke', of, ({ status }) => status === 429)
  },
  {
    kind: 'concurrency given back',
    make: sets('DeleteFunctionConcurrency', of),
    shown: (place, { name }) => says(place, name, 'second')
  },
  {
    kind: 'provisioned concurrency',
    make: sets('PutProvisionedConcurrencyConfig', (run) => ({
      ...of(run),
      Qualifier: '1',
      ProvisionedConcurrentExecutions: 1
    })),
    shown: has(
      'GetProvisionedConcurrencyConfig',
      (run) => ({ ...of(run), Qualifier: '1' }),
      ({ json }) => json?.RequestedProvisionedConcurrentExecutions === 1
    )
  },
  {
    kind: 'recursion config',
    make: sets('PutFunctionRecursionConfig', (run) => ({ ...of(run), RecursiveLoop: 'Allow' })),
    shown: has('GetFunctionRecursionConfig', of, ({ json }) => json.RecursiveLoop === 'Allow')
  },
  {
    kind: 'mapping created',
    make: async ({ api }, run) => {
      const order = { ...of(run), EventSourceArn: `arn:aws:sqs:us-east-1:000000000000:${run.name}`, Enabled: false }
      run.uuid = (await api.good('CreateEventSourceMapping', order)).json.UUID
    },
    shown: has(
      'GetEventSourceMapping',
      ({ uuid }) => ({ UUID: uuid }),
      ({ status }) => status === 200
    )
  },
  {
    kind: 'mapping deleted',
    make: sets('DeleteEventSourceMapping', ({ uuid }) => ({ UUID: uuid })),
    shown: has('GetEventSourceMapping', ({ uuid }) => ({ UUID: uuid }), gone)
  },
  {
    kind: 'layer published',
    make: async ({ api }, run) => {
      run.layer = (
        await api.good('PublishLayerVersion', { LayerName: run.name, Content: { ZipFile: saying('layer') } })
      ).json.Version
    },
    shown: has(
      'GetLayerVersion',
      ({ name, layer }) => ({ LayerName: name, VersionNumber: layer }),
      ({ status }) => status === 200
    )
  },
  {
    kind: 'layer deleted',
    make: sets('DeleteLayerVersion', ({ name, layer }) => ({ LayerName: name, VersionNumber: layer })),
    shown: has('GetLayerVersion', ({ name, layer }) => ({ LayerName: name, VersionNumber: layer }), gone)
  },
  {
    kind: 'route added',
    make: async ({ ask }, run) => {
      const route = await ask('POST', '/v1/routes', { route: `GET /seen/${run.name}`, function: run.name })
      run.route = (route.json as { id: string }).id
    },
    shown: async ({ http }, { name }) => (await code(`${http}/seen/${name}`)) === 200
  },
  {
    kind: 'route removed',
    make: ({ ask }, { route }) => ask('DELETE', `/v1/routes/${route}`),
    shown: async ({ http }, { name }) => (await code(`${http}/seen/${name}`)) === 404
  },
  {
    kind: 'schedule added',
    make: ({ ask }, { name }) =>
      ask('POST', '/v1/triggers', { type: 'schedule', name, function: name, expression: 'rate(1 day)', paused: true }),
    shown: async ({ ask }, { name }) => (await ask('GET', `/v1/triggers/${name}`)).status === 200
  },
  {
    kind: 'schedule removed',
    make: ({ ask }, { name }) => ask('DELETE', `/v1/triggers/${name}`),
    shown: async ({ ask }, { name }) => (await ask('GET', `/v1/triggers/${name}`)).status === 404
  },
  {
    kind: 'alias deleted',
    make: sets('DeleteAlias', live),
    shown: has('Invoke', (run) => ({ ...of(run), Qualifier: 'live' }), gone)
  },
  {
    kind: 'function deleted',
    make: sets('DeleteFunction', of),
    shown: has('Invoke', of, gone)
  }
]
