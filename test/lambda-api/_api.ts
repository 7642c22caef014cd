import * as sdk from '@aws-sdk/client-lambda'

/** An answer as it came over the wire. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  // Answers of eighty operations: each test knows which members it looks for.
  // biome-ignore lint/suspicious/noExplicitAny: the point is to look at what came, not at what the SDK's types promise
  json: any
}

/** Where a node is and who may talk to it; a `Daemon` is one. */
export interface ApiDoor {
  readonly http: string
  keys(): Promise<{ accessKeyId: string; secretAccessKey: string }>
}

export interface Api {
  readonly client: sdk.LambdaClient
  /** Sends an operation through the stock SDK's serializer and signer and gives back the raw answer, whatever its status. */
  call(operation: string, input?: object): Promise<Answer>
  /** The same for what must succeed. */
  good(operation: string, input?: object): Promise<Answer>
}

/** The stock client at one node, which lets the raw answers be seen. */
export async function apiOf(
  daemon: ApiDoor,
  options: { keysOf?: ApiDoor; key?: { accessKeyId: string; secretAccessKey: string } } = {}
): Promise<Api> {
  const credentials = options.key ?? (await (options.keysOf ?? daemon).keys())
  let last: Answer | undefined
  const client = new sdk.LambdaClient({
    endpoint: daemon.http,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    requestHandler: {
      async handle(request: {
        method: string
        protocol: string
        hostname: string
        port?: number
        path: string
        query?: Record<string, string | string[] | null>
        headers: Record<string, string>
        body?: string | Uint8Array<ArrayBuffer>
      }) {
        const query = new URLSearchParams()
        for (const [name, value] of Object.entries(request.query ?? {}))
          for (const one of Array.isArray(value) ? value : [value]) query.append(name, one ?? '')
        const search = query.size === 0 ? '' : `?${String(query).replaceAll('+', '%20')}`
        const { host: _own, 'content-length': _counted, ...headers } = request.headers
        const response = await fetch(`${request.protocol}//${request.hostname}:${request.port}${request.path}${search}`, {
          method: request.method,
          headers,
          ...(request.body === undefined || request.method === 'GET' ? {} : { body: request.body })
        })
        const bytes = new Uint8Array(await response.arrayBuffer())
        const text = Buffer.from(bytes).toString()
        last = { status: response.status, headers: response.headers, text, json: parsed(text) }
        return { response: { statusCode: response.status, headers: Object.fromEntries(response.headers), body: bytes } }
      }
    } as unknown as NonNullable<sdk.LambdaClientConfig['requestHandler']>
  })
  const call = async (operation: string, input: object = {}): Promise<Answer> => {
    const Command = (sdk as unknown as Record<string, new (input: object) => never>)[`${operation}Command`]
    if (Command === undefined) throw new Error(`the SDK has no ${operation}`)
    last = undefined
    try {
      await client.send(new Command(input))
    } catch (error) {
      if (last === undefined) throw error
    }
    return last as unknown as Answer
  }
  return {
    client,
    call,
    async good(operation, input) {
      const answer = await call(operation, input)
      if (answer.status >= 300) throw new Error(`${operation}: ${answer.status} ${answer.text}`)
      return answer
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not every answer is JSON: an empty one, or a payload of a function.
    return undefined
  }
}
