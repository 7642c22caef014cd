import { Agent, request } from 'node:http'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  InvocationType,
  InvokeCommand,
  type InvokeCommandOutput,
  LambdaClient,
  type Runtime
} from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import type { Daemon } from './_daemon.ts'

/** A zip with one file, as a person would upload it. */
export function zipOf(source: string, file = 'index.mjs'): Uint8Array {
  return zipSync({ [file]: Buffer.from(source) }, { mtime: new Date('2026-01-01T00:00:00Z') })
}

/** A zip of several files, by name. */
export function zipFiles(files: Record<string, string | Uint8Array>): Uint8Array {
  const entries = Object.entries(files).map(([name, content]) => [name, Buffer.from(content)])
  return zipSync(Object.fromEntries(entries), { mtime: new Date('2026-01-01T00:00:00Z') })
}

export const ROLE = 'arn:aws:iam::000000000000:role/any'

export const HELLO = `export const handler = async (event) => ({ hello: event.name ?? event.queryStringParameters?.name })`

/** Waits without holding the thread. */
export const SLEEP = `export const handler = (event) => new Promise((resolve) => setTimeout(() => resolve({ slept: event.ms ?? 200 }), event.ms ?? 200))`

/** The stock client, pointed at one node with another's keys or its own. */
export async function lambdaOf(daemon: Daemon, keysOf: Daemon = daemon): Promise<LambdaClient> {
  const { accessKeyId, secretAccessKey } = await keysOf.keys()
  return new LambdaClient({
    endpoint: daemon.http,
    region: 'eu-somewhere-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1
  })
}

/** Creates a function with a URL that anybody may call. */
export async function create(at: Daemon, name: string, source: string, over: { Timeout?: number } = {}): Promise<void> {
  const client = await lambdaOf(at)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Code: { ZipFile: zipOf(source) },
      ...over
    })
  )
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE' }))
}

export async function invoke(
  client: LambdaClient,
  name: string,
  event: unknown
): Promise<InvokeCommandOutput & { result: unknown; node: string }> {
  let node = ''
  const command = new InvokeCommand({
    FunctionName: name,
    InvocationType: InvocationType.RequestResponse,
    Payload: Buffer.from(JSON.stringify(event))
  })
  command.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args)
      node = (output.response as { headers: Record<string, string> }).headers['x-peerless-node'] ?? ''
      return output
    },
    { step: 'deserialize' }
  )
  const answer = await client.send(command)
  return { ...answer, node, result: JSON.parse(Buffer.from(answer.Payload ?? []).toString() || 'null') }
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** `total` GETs with `concurrency` under way, spread over `urls` in turn. */
export async function flood(urls: string[], total: number, concurrency: number, each: (answer: Answer) => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let next = 0
  const worker = async () => {
    while (next < total) each(await get(urls[next++ % urls.length] as string, agent))
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
}

export function get(url: string, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      response.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}
