import { createHash } from 'node:crypto'
import type { Received, Reply, Routes } from './_fake-node.ts'

export interface FakeLambda {
  routes: Routes
  /** What was asked to change, in order: `code`, or the settings sent. */
  changes: unknown[]
  configuration: Record<string, unknown>
  zip: Buffer
}

/** One function of the Lambda API as far as a deployment uses it; `check` may refuse a state with a message. */
export function fakeLambda(
  name: string,
  check: (zip: Buffer, handler: unknown) => string | undefined = () => undefined
): FakeLambda {
  const base = `/2015-03-31/functions/${name}`
  const missing: Reply = {
    status: 404,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
    json: { Message: 'no such function' }
  }
  let exists = false
  let url: Record<string, unknown> | undefined
  const lambda: FakeLambda = { routes: {}, changes: [], configuration: {}, zip: Buffer.alloc(0) }
  const json = (call: Received) => JSON.parse(call.body.toString()) as Record<string, unknown>
  const take = (zip: Buffer, settings: Record<string, unknown>): Reply | undefined => {
    const refusal = check(zip, settings.Handler ?? lambda.configuration.Handler)
    if (refusal !== undefined) {
      return { status: 400, headers: { 'x-amzn-errortype': 'InvalidParameterValueException' }, json: { message: refusal } }
    }
    lambda.zip = zip
    const sha256 = createHash('sha256').update(zip).digest()
    Object.assign(lambda.configuration, settings, {
      CodeSize: zip.length,
      CodeSha256: sha256.toString('base64'),
      PeerlessCid: `cid-${sha256.toString('hex').slice(0, 8)}`,
      State: 'Active',
      LastUpdateStatus: 'InProgress'
    })
    return undefined
  }
  lambda.routes = {
    'POST /2015-03-31/functions': (call) => {
      const { Code, ...settings } = json(call)
      lambda.changes.push({ create: settings })
      const refusal = take(Buffer.from((Code as { ZipFile: string }).ZipFile, 'base64'), { ...settings, Version: '$LATEST' })
      if (refusal !== undefined) return refusal
      exists = true
      lambda.configuration.State = 'Pending'
      return { status: 201, json: lambda.configuration }
    },
    [`GET ${base}`]: () => (exists ? { json: { Configuration: lambda.configuration, Code: {} } } : missing),
    [`GET ${base}/configuration`]: () => {
      const json = { ...lambda.configuration }
      // The next look finds it done, as on a server that works meanwhile.
      Object.assign(lambda.configuration, { State: 'Active', LastUpdateStatus: 'Successful' })
      return { json }
    },
    [`PUT ${base}/code`]: (call) => {
      lambda.changes.push('code')
      return take(Buffer.from(json(call).ZipFile as string, 'base64'), {}) ?? { json: lambda.configuration }
    },
    [`PUT ${base}/configuration`]: (call) => {
      lambda.changes.push(json(call))
      return take(lambda.zip, json(call)) ?? { json: lambda.configuration }
    },
    [`GET /2021-10-31/functions/${name}/url`]: () => (url === undefined ? missing : { json: url }),
    [`POST /2021-10-31/functions/${name}/url`]: (call) => {
      url = { ...json(call), FunctionUrl: `http://127.0.0.1/fn/${name}/` }
      return { status: 201, json: url }
    }
  }
  return lambda
}
