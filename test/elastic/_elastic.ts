import { CreateFunctionCommand, type CreateFunctionCommandInput, type LambdaClient } from '@aws-sdk/client-lambda'
import type { InstanceStatus } from '@peerless/interface'
import { signRequest } from '../../cli/src/sign.ts'
import type { Daemon } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'

/** A request to the mesh's own API, signed with the node's admin key. @throws where the answer is not one of success */
export async function v1(daemon: Daemon, method: string, path: string, body?: unknown): Promise<unknown> {
  const bytes = body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body))
  const { host } = new URL(daemon.http)
  const [plain = '', query = ''] = path.split('?')
  const headers = signRequest({
    method,
    host,
    path: plain,
    query: query === '' ? [] : query.split('&').map((pair) => pair.split('=') as [string, string]),
    headers: {},
    body: bytes,
    ...(await daemon.keys()),
    service: 'lambda',
    now: Date.now()
  })
  const answer = await fetch(daemon.http + path, { method, headers, ...(body === undefined ? {} : { body: bytes }) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Instances of a function on every node that answers, those that are ready. */
export async function readyInstances(daemon: Daemon, name: string): Promise<(InstanceStatus & { node: string })[]> {
  const { instances } = (await v1(daemon, 'GET', '/v1/instances?mesh=1')) as { instances: (InstanceStatus & { node: string })[] }
  return instances.filter((instance) => instance.function === name && instance.state !== 'starting')
}

export async function create(
  client: LambdaClient,
  name: string,
  source: string,
  more: Partial<CreateFunctionCommandInput> = {}
): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf(source) },
      ...more
    })
  )
}
