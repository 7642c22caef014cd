import {
  CreateFunctionCommand,
  InvocationType,
  InvokeCommand,
  type LambdaClient,
  PutFunctionEventInvokeConfigCommand
} from '@aws-sdk/client-lambda'
import { signRequest } from '../../cli/src/sign.ts'
import { type Daemon, eventually } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'

export async function deploy(client: LambdaClient, name: string, source: string): Promise<string> {
  const { FunctionArn } = await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs22.x',
      Role: ROLE,
      Handler: 'index.handler',
      Timeout: 10,
      Code: { ZipFile: zipOf(source) }
    })
  )
  return FunctionArn as string
}

/** Its request id, once it is accepted. */
export async function send(client: LambdaClient, name: string, event: unknown): Promise<string> {
  const answer = await client.send(
    new InvokeCommand({
      FunctionName: name,
      InvocationType: InvocationType.Event,
      Payload: Buffer.from(JSON.stringify(event))
    })
  )
  if (answer.StatusCode !== 202) throw new Error(`status ${answer.StatusCode}`)
  return answer.$metadata.requestId as string
}

export function configure(
  client: LambdaClient,
  name: string,
  onSuccess: string | undefined,
  onFailure: string | undefined,
  retries = 0
) {
  return client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: name,
      MaximumRetryAttempts: retries,
      DestinationConfig: {
        ...(onSuccess === undefined ? {} : { OnSuccess: { Destination: onSuccess } }),
        ...(onFailure === undefined ? {} : { OnFailure: { Destination: onFailure } })
      }
    })
  )
}

export interface Result {
  requestId: string
  status: string
  condition?: string
  attempts: number
  result?: unknown
  functionError?: string
}

/** Asked at one node with the keys of another or its own. @throws when no node knows it */
export async function resultOf(daemon: Daemon, id: string, keysOf: Daemon = daemon): Promise<Result> {
  const keys = await keysOf.keys()
  const path = `/v1/async/${id}`
  const { host } = new URL(daemon.http)
  const headers = signRequest({
    method: 'GET',
    host,
    path,
    query: [],
    headers: {},
    body: new Uint8Array(0),
    ...keys,
    service: 'lambda',
    now: Date.now()
  })
  const answer = await fetch(daemon.http + path, { headers })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as Result
}

export function settled(daemon: Daemon, id: string): Promise<Result> {
  return eventually(
    () => resultOf(daemon, id),
    ({ status }) => status !== 'queued'
  )
}
