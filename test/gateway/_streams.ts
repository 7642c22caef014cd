import {
  CreateFunctionCommand,
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamCommandInput,
  type LambdaClient,
  waitUntilFunctionActiveV2
} from '@aws-sdk/client-lambda'
import { ROLE, zipOf } from '../_functions.ts'

/** Deploys one ES module and waits until it can be invoked. */
export async function deploy(client: LambdaClient, name: string, source: string, timeoutSeconds = 10): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs22.x',
      Role: ROLE,
      Handler: 'index.handler',
      Timeout: timeoutSeconds,
      Code: { ZipFile: zipOf(source) }
    })
  )
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName: name })
}

export interface Streamed {
  /** Text of each PayloadChunk, in order. */
  chunks: string[]
  bytes: number
  complete: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined; LogResult?: string | undefined } | undefined
  headers: Record<string, string>
}

/** Invokes with the stock client and takes every event; `each` may hold it up. */
export async function invokeStream(
  client: LambdaClient,
  input: InvokeWithResponseStreamCommandInput,
  each: (chunk: Buffer) => void | Promise<void> = () => undefined
): Promise<Streamed> {
  const streamed: Streamed = { chunks: [], bytes: 0, complete: undefined, headers: {} }
  const command = new InvokeWithResponseStreamCommand(input)
  command.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args)
      streamed.headers = (output.response as { headers: Record<string, string> }).headers
      return output
    },
    { step: 'deserialize' }
  )
  const answer = await client.send(command)
  for await (const event of answer.EventStream ?? []) {
    if (event.PayloadChunk !== undefined) {
      const chunk = Buffer.from(event.PayloadChunk.Payload ?? [])
      streamed.chunks.push(chunk.toString())
      streamed.bytes += chunk.length
      await each(chunk)
    }
    if (event.InvokeComplete !== undefined) streamed.complete = event.InvokeComplete
  }
  return streamed
}
