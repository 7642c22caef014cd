import type { Agent, IncomingHttpHeaders, IncomingMessage, request } from 'node:http'
import { type Access, startHint } from './access.ts'
import { ApiError, CliError, NEXT_INVITE } from './errors.ts'
import { encodeText, queryText, signRequest } from './sign.ts'
import { printable } from './text.ts'

export interface Order {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Decoded; each is encoded as one segment. */
  path: readonly string[]
  query?: Readonly<Record<string, string | undefined>>
  headers?: Record<string, string>
  /** JSON of this value, or these bytes. */
  json?: unknown
  bytes?: Uint8Array
  /** Until the answer's head is there. */
  timeoutMs?: number
  signal?: AbortSignal
  /** What to do when there is no such thing (404). Default: look at the functions. */
  missing?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

const TIMEOUT_MS_DEFAULT = 60_000
/** Largest answer that is held whole: listings; 1,000 functions with 4 KB of environment are 5 MB. */
const ANSWER_BYTES_MAX = 67_108_864
const ERROR_BYTES_MAX = 65_536
const ERROR_CHARACTERS_MAX = 2_000

/** Signed requests to one node. */
export class NodeClient {
  readonly access: Access
  readonly #now: () => number
  readonly #send: typeof request
  readonly #agent: Agent

  private constructor(access: Access, now: () => number, send: typeof request, agent: Agent) {
    this.access = access
    this.#now = now
    this.#send = send
    this.#agent = agent
  }

  /** Loads HTTP, or HTTPS where the address is one: TLS alone takes as long to load as much of this program. */
  static async open(access: Access, now: () => number): Promise<NodeClient> {
    // Not imported: then Node reads all that the module offers, its WebSocket too, and loads undici for it, which takes a third of what a command takes.
    const http = access.origin.startsWith('https:') ? await import('node:https') : process.getBuiltinModule('node:http')
    return new NodeClient(access, now, http.request, new http.Agent({ keepAlive: true }))
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Any status is an answer. @throws CliError when the node does not answer */
  async request(order: Order): Promise<Answer> {
    const response = await this.#open(order)
    return { status: response.statusCode ?? 0, headers: response.headers, body: await this.#read(response, ANSWER_BYTES_MAX) }
  }

  /** @throws ApiError unless the status is 2xx */
  async json(order: Order, what: string): Promise<unknown> {
    return (await this.jsonWithHeaders(order, what)).value
  }

  /** @throws ApiError unless the status is 2xx */
  async jsonWithHeaders(order: Order, what: string): Promise<{ value: unknown; headers: Answer['headers'] }> {
    const answer = await this.request(order)
    if (!succeeded(answer.status)) throw apiError(answer, what, order.missing)
    const { headers, body } = answer
    if (body.length === 0) return { value: undefined, headers }
    try {
      return { value: JSON.parse(body.toString()), headers }
    } catch (cause) {
      throw new CliError(
        `${what}: the answer of ${this.access.origin} is no JSON`,
        'Check that the address is that of a Peerless node.',
        { cause }
      )
    }
  }

  /** The body as it comes. @throws ApiError unless the status is 2xx */
  async stream(order: Order, what: string): Promise<IncomingMessage> {
    const response = await this.#open(order)
    const status = response.statusCode ?? 0
    if (succeeded(status)) return response
    throw apiError({ status, headers: response.headers, body: await this.#read(response, ERROR_BYTES_MAX) }, what, order.missing)
  }

  #open(order: Order): Promise<IncomingMessage> {
    const { access } = this
    const body = order.bytes ?? (order.json === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(order.json)))
    const path = `/${order.path.map(encodeText).join('/')}`
    const query = Object.entries(order.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const url = new URL(access.origin)
    const own = { ...(order.json === undefined ? {} : { 'content-type': 'application/json' }), ...order.headers }
    const signed = () => ({
      method: order.method,
      host: url.host,
      path,
      query,
      headers: own,
      body,
      accessKeyId: access.accessKeyId,
      secretAccessKey: access.secretAccessKey,
      region: access.region,
      service: 'lambda',
      now: this.#now()
    })
    const headers = access.unsigned === true ? own : signRequest(signed())
    const send = this.#send
    return new Promise((resolve, reject) => {
      const timeoutMs = order.timeoutMs ?? TIMEOUT_MS_DEFAULT
      const request = send(
        access.origin + path + (query.length === 0 ? '' : `?${queryText(query)}`),
        {
          method: order.method,
          headers: { ...headers, 'content-length': String(body.length) },
          agent: this.#agent,
          ...(order.signal === undefined ? {} : { signal: order.signal })
        },
        (response) => {
          clearTimeout(timer)
          resolve(response)
        }
      )
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)),
        Math.min(timeoutMs, 2_147_483_647)
      )
      request.on('error', (error) => {
        clearTimeout(timer)
        reject(order.signal?.aborted === true ? error : unreachable(access, error))
      })
      request.end(body)
    })
  }

  async #read(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let total = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        total += chunk.length
        if (total > bytesMax) throw new CliError(`the answer of ${this.access.origin} is larger than ${bytesMax} bytes`)
        chunks.push(chunk)
      }
    } catch (error) {
      throw error instanceof CliError ? error : unreachable(this.access, error as Error)
    }
    return Buffer.concat(chunks, total)
  }
}

function succeeded(status: number): boolean {
  return status >= 200 && status < 300
}

function unreachable(access: Access, error: Error): CliError {
  const { code } = error as NodeJS.ErrnoException
  const reason =
    code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : code === 'ECONNRESET' || error.message === 'aborted'
        ? 'the connection broke before the answer was whole'
        : error.message || String(code)
  const message = `the node at ${access.origin} does not answer: ${reason}`
  if (access.source.kind === 'url')
    return new CliError(message, 'Check the address and that the node runs there.', { cause: error })
  const { directory, pid } = access.source
  return pid !== 0 && !isRunning(pid)
    ? new CliError(`${message} (its process ${pid} is gone)`, startHint(directory), { cause: error })
    : new CliError(message, `See what the node of ${directory} logs. ${startHint(directory)}`, { cause: error })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const NEXT_DISK = "See to the disk of that node's data folder, and run the command again: what the node has goes on meanwhile."
const NEXT_CLOCKS = 'Set the clocks of this machine and of the node: one of the two is wrong.'

/** Reads an error of the Lambda API (`x-amzn-errortype`, `message` or `Message`) or of the mesh API (`code`, `message`). */
export function apiError(answer: Answer, what: string, missing?: string): ApiError {
  const { status, headers } = answer
  const body = parseObject(answer.body)
  const type = String(headers['x-amzn-errortype'] ?? '').split(':')[0]
  const code = printable(String(type || body.code || body.__type || `HTTP ${status}`)).slice(0, 100)
  const text = body.message ?? body.Message
  const message = typeof text === 'string' && text !== '' ? text : 'the node gave no reason'
  return new ApiError(
    status,
    code,
    `${what}: ${printable(message).slice(0, ERROR_CHARACTERS_MAX)} (${code})`,
    isOfClocks(code, message) ? NEXT_CLOCKS : isOfDisk(status, message) ? NEXT_DISK : nextOf(answer, code, missing)
  )
}

/** A signature that is good, and of another time than the node's: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html */
function isOfClocks(code: string, message: unknown): boolean {
  return code === 'InvalidSignatureException' && /^Signature (expired|not yet current)\b/.test(String(message))
}

/** As `writeError` of interface says it, and the queue: no other node is busy, and in a second it will be the same. */
function isOfDisk(status: number, message: unknown): boolean {
  return status === 503 && /could not be written to disk: |'s disk refused: /.test(String(message))
}

function nextOf({ status, headers }: Answer, code: string, missing = "'peerless ls' shows what there is."): string | undefined {
  const wait = /^\d{1,6}$/.test(String(headers['retry-after'])) ? `after ${headers['retry-after']} s` : 'in a moment'
  if (code === 'INVALID_INVITE') return NEXT_INVITE
  if (status === 401 || status === 403) return "Use a key of this mesh whose role allows it: 'peerless keys list' shows them."
  if (status === 402) return 'Raise the budget of the account, or wait for its next period.'
  if (status === 404) return missing
  if (status === 429 || status === 503) return `Try again ${wait}; 'peerless peers' shows who is busy.`
  if (status === 400) return 'Correct what that names, and run the command again.'
  if (status === 409 || status === 412) return 'Look at how it is now, and run the command again.'
  if (status === 413) return 'Send less: docs/lambda-api.md has the limits.'
  if (status >= 500) return 'See what the node logs under the request id of this answer.'
  return undefined
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // A proxy's page or nothing at all: the status alone tells.
    return {}
  }
}
