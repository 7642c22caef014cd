import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { LIMITS } from '@peerless/interface'
import type { Command } from 'commander'
import { type Answer, apiError } from '../client.ts'
import { type Context, markOwnData, withJson } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import type { Host } from '../host.ts'
import { functionPath, parseReference } from '../lambda.ts'
import { digits, printable, shortPeer, withoutMark } from '../text.ts'
import { short } from '../values.ts'

interface Flags {
  data?: string[]
  async?: true
  tail?: true
  json?: true
}

/** The longest function, a cold start and the way there and back. */
const ANSWER_TIMEOUT_MS = (LIMITS.timeoutSecondsMax + 60) * 1_000

export function define(command: Command, context: Context): void {
  withJson(command)
    .description(
      'Call a function. Its result is alone on stdout, a summary on stderr; the exit code is 1 when the function failed.\n' +
        'A --data that is no JSON and names a folder is the data folder of the node, as for the other commands.'
    )
    .argument('<name[:qualifier]>', 'function name or ARN')
    .option('--data <payload>', 'the event: JSON text, @FILE, or - for stdin', (value, all: string[] = []) => [...all, value])
    .option('--node <url>', 'talk to the node at this URL, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    .option('--async', 'queue it and print its request id, for peerless result; do not wait')
    .option('--tail', 'print the last 4 KB of its log on stderr')
    .action(async (alleged: string, flags: Flags) => {
      const { name, qualifier } = parseReference(alleged)
      const data = await sortData(flags.data ?? [], context.host)
      const payload = await readPayload(data.payload, context.host)
      const client = await context.connect(command, data.folder)
      const answer = await client.request({
        method: 'POST',
        path: functionPath(name, 'invocations'),
        query: { Qualifier: qualifier },
        headers: {
          'content-type': 'application/octet-stream',
          'x-amz-invocation-type': flags.async ? 'Event' : 'RequestResponse',
          'x-amz-log-type': flags.tail ? 'Tail' : 'None'
        },
        bytes: payload,
        timeoutMs: ANSWER_TIMEOUT_MS
      })
      if (answer.status < 200 || answer.status > 299) throw apiError(answer, `invoke ${name}`)
      await printAnswer(context, answer, flags)
    })
  markOwnData(command)
}

async function printAnswer(context: Context, answer: Answer, flags: Flags): Promise<void> {
  const facts = factsOf(answer)
  if (facts.functionError !== null) context.exitCode = 1
  const tail = answer.headers['x-amz-log-result']
  if (flags.tail && typeof tail === 'string') {
    const text = printable(Buffer.from(tail, 'base64').toString())
    await context.note(text.endsWith('\n') ? text : `${text}\n`)
  }
  if (flags.json) return await context.printJson({ ...facts, result: resultOf(answer.body) })
  if (flags.async) await context.print(`${facts.requestId ?? ''}\n`)
  await context.print(answer.body)
  if (answer.body.length > 0 && answer.body.at(-1) !== 0x0a) await context.print('\n')
  await context.note(`${context.host.style('dim', summaryOf(facts, flags), 'stderr')}\n`)
  if (facts.functionError !== null) {
    await context.note(
      `${context.host.style('red', 'the function failed:', 'stderr')} ${failureOf(answer.body, facts.functionError)}\n`
    )
  }
}

function factsOf({ headers }: Answer) {
  const number = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' && value !== '' && Number.isFinite(Number(value)) ? Number(value) : null
  }
  const text = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : null
  }
  return {
    requestId: text('x-amzn-requestid'),
    node: text('x-peerless-node'),
    durationMs: number('x-peerless-duration-ms'),
    billedMs: number('x-peerless-billed-ms'),
    charge: number('x-peerless-charge'),
    // Said of calls that ran: one that is queued has none of these yet.
    cold: headers['x-peerless-duration-ms'] === undefined ? null : headers['x-peerless-cold'] === '1',
    functionError: text('x-amz-function-error')
  }
}

function summaryOf(facts: ReturnType<typeof factsOf>, flags: Flags): string {
  const request = `request ${printable(facts.requestId ?? 'without id')}`
  if (flags.async) return `queued, ${request}`
  const parts = [
    `node ${printable(shortPeer(facts.node ?? 'unknown'))}`,
    `${facts.durationMs ?? '?'} ms`,
    `billed ${facts.billedMs ?? '?'} ms`,
    `charge ${facts.charge === null ? '?' : digits(facts.charge)}`,
    ...(facts.cold === null ? [] : [facts.cold ? 'cold' : 'warm'])
  ]
  return [...parts, request].join(', ')
}

/** `errorType: errorMessage` of Lambda's error JSON, else how it failed. */
function failureOf(body: Buffer, functionError: string): string {
  const value = resultOf(body)
  const { errorType, errorMessage } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const parts = [errorType, errorMessage].filter((part): part is string => typeof part === 'string' && part !== '')
  return printable(parts.length === 0 ? functionError : parts.join(': '))
}

/** A result is JSON; anything else is given as text. Nothing is null. */
function resultOf(body: Buffer): unknown {
  if (body.length === 0) return null
  try {
    return JSON.parse(body.toString())
  } catch {
    // A function may answer with bytes that are no JSON through the response stream.
    return body.toString()
  }
}

/**
 * `--data` means the event here and the data folder everywhere else. Text that is no JSON can be no event: when it names a folder, it
 * is that. @throws UsageError when either is given twice
 */
async function sortData(values: readonly string[], host: Host): Promise<{ payload?: string; folder?: string }> {
  const sorted: { payload?: string; folder?: string } = {}
  for (const value of values) {
    const kind = !/^(-?$|@)/.test(value) && !isJson(value) && (await isFolder(resolve(host.cwd, value))) ? 'folder' : 'payload'
    if (sorted[kind] !== undefined) {
      throw new UsageError(`--data gives the ${kind} twice: '${short(sorted[kind])}' and '${short(value)}'`)
    }
    sorted[kind] = value
  }
  return sorted
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // That is the answer.
    return false
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // Nothing there, or nothing that this user may see: no folder to talk to.
    return false
  }
}

/** @throws UsageError when text on the command line is no JSON; CliError for a file or stdin */
async function readPayload(alleged: string | undefined, host: Host): Promise<Uint8Array> {
  if (alleged === undefined) return new Uint8Array(0)
  if (alleged === '-') return checked(await readAll(host.stdin), 'stdin', CliError)
  if (!alleged.startsWith('@')) return checked(Buffer.from(alleged), `--data '${short(alleged)}'`, UsageError)
  const path = resolve(host.cwd, alleged.slice(1))
  try {
    return checked(await readFile(path), path, CliError)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(
      `--data ${short(alleged)} cannot be read: ${(error as Error).message}`,
      'Give the path of a file after the @.'
    )
  }
}

/** One byte more than allowed is enough to know. */
async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    chunks.push(bytes)
    total += bytes.length
    if (total > LIMITS.payloadBytesMax) break
  }
  return Buffer.concat(chunks)
}

function checked(alleged: Buffer, source: string, Failure: typeof CliError): Buffer {
  const payload = withoutMark(alleged)
  if (payload.length > LIMITS.payloadBytesMax) {
    throw new Failure(
      `${source}: the payload has more than ${LIMITS.payloadBytesMax} bytes`,
      'Send less, or pass a reference to the data.'
    )
  }
  if (payload.length === 0) return payload
  try {
    JSON.parse(payload.toString())
  } catch (error) {
    const next = Failure === UsageError ? `Quote it for the shell: --data '{"name":"Ada"}'.` : undefined
    throw new Failure(`${source} must be JSON: ${(error as Error).message}`, next)
  }
  return payload
}
