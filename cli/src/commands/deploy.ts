import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { FUNCTION_NAME, HANDLER, LIMITS } from '@peerless/interface'
import type { Command } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, withJson, withNode } from '../context.ts'
import { putFunction } from '../deployment.ts'
import { CliError, UsageError } from '../errors.ts'
import { cidOf, findUrl, openUrl } from '../lambda.ts'
import { bytesText, digits, fields, printable } from '../text.ts'
import { parseAssignment, parseInteger, parsePattern, short } from '../values.ts'
import { changesUnder } from '../watcher.ts'

interface Flags {
  name?: string
  handler?: string
  memory?: string
  timeout?: string
  env?: string[]
  url?: true
  watch?: true
  json?: true
}

interface Order {
  path: string
  name: string
  handler: string | undefined
  memoryMb: number | undefined
  timeoutSeconds: number | undefined
  environment: Record<string, string> | undefined
  url: boolean
  json: boolean
}

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Bundle a file or folder (TypeScript, JavaScript, npm dependencies), or take a ready .zip, upload it and wait until it can be invoked.\n' +
        'JSON: {name, version, cid, bytes, url, ms}, one line per deployment.'
    )
    .argument('[path]', 'file, folder or .zip', '.')
    .option('--name <name>', 'function name (default: name of the file or folder)')
    .option('--handler <file.export>', 'what to call, such as index.handler')
    .option(
      '--memory <mb>',
      `memory limit in MB, ${LIMITS.memoryMbMin} to ${LIMITS.memoryMbMax} (default: ${LIMITS.memoryMbDefault})`
    )
    .option('--timeout <seconds>', `time limit, 1 to ${LIMITS.timeoutSecondsMax} (default: ${LIMITS.timeoutSecondsDefault})`)
    .option(
      '--env <k=v>',
      'environment variable; may be repeated. What is given replaces all that there were',
      (value, all: string[] = []) => [...all, value]
    )
    .option('--url', 'give it a function URL that anyone can call')
    .option('--watch', 'deploy again whenever a file changes, until Ctrl-C')
    .action(async (path: string, flags: Flags) => {
      const order = await readOrder(path, flags, context)
      const client = await context.connect(command)
      if (!flags.watch) return await deploy(order, client, context)
      await deployOnChange(order, client, context)
    })
}

async function deployOnChange(order: Order, client: NodeClient, context: Context): Promise<void> {
  const signal = context.host.interrupted()
  // Asked for the first change before the first deployment: what is saved during that is not missed.
  const changes = changesUnder(order.path, signal)
  let change = changes.next()
  for (;;) {
    try {
      await deploy(order, client, context)
    } catch (error) {
      // A syntax error while typing must not end the watch; a bug of ours must.
      if (!(error instanceof CliError) && !(error instanceof Error && error.name === 'PeerlessError')) throw error
      await context.note(`${context.host.style('red', 'error:', 'stderr')} ${error.message}\n`)
    }
    await context.note(`${context.host.style('dim', `watching ${order.path}; Ctrl-C ends it`, 'stderr')}\n`)
    if ((await change).done === true) return
    change = changes.next()
  }
}

async function deploy(order: Order, client: NodeClient, context: Context): Promise<void> {
  const { host } = context
  const start = host.monotonic()
  const { packSource } = await import('@peerless/bundle')
  const packed = await packSource({ path: order.path, ...(order.handler === undefined ? {} : { handler: order.handler }) })
  if (packed.zip.length > LIMITS.zipBytesMax) {
    throw new CliError(
      `${order.path} makes a zip of ${packed.zip.length} bytes, at most ${LIMITS.zipBytesMax} are allowed`,
      'Leave out what the function does not need, or let it fetch large files at run time.'
    )
  }
  const found = await putFunction(client, { ...order, ...packed }, host.monotonic)
  const { FunctionUrl } = (order.url ? await openUrl(client, order.name) : await findUrl(client, order.name)) ?? {}
  const ms = Math.round(host.monotonic() - start)
  const facts = {
    name: order.name,
    version: found.Version ?? null,
    cid: cidOf(found) ?? null,
    bytes: found.CodeSize ?? packed.zip.length,
    url: FunctionUrl ?? null,
    ms
  }
  if (order.json) return await context.printJson(facts)
  await context.print(
    fields([
      ['name', facts.name],
      ['version', String(facts.version ?? '-')],
      ['cid', facts.cid ?? '-'],
      ['size', `${bytesText(facts.bytes)} (${digits(facts.bytes)} bytes)`],
      ['time', `${digits(ms)} ms`],
      ...(facts.url === null ? [] : [['url', printable(facts.url)] as const])
    ])
  )
}

/** @throws UsageError, or CliError when there is nothing at the path */
async function readOrder(alleged: string, flags: Flags, context: Context): Promise<Order> {
  const path = resolve(context.host.cwd, alleged)
  const { memory, timeout, handler } = flags
  const order = {
    path,
    name: nameOf(path, flags.name),
    handler:
      handler === undefined
        ? undefined
        : parsePattern(handler, '--handler', HANDLER, 'FILE.EXPORT, 1 to 128 characters without spaces'),
    memoryMb: memory === undefined ? undefined : parseInteger(memory, '--memory', LIMITS.memoryMbMin, LIMITS.memoryMbMax),
    timeoutSeconds: timeout === undefined ? undefined : parseInteger(timeout, '--timeout', 1, LIMITS.timeoutSecondsMax),
    environment: flags.env === undefined ? undefined : environmentOf(flags.env),
    url: flags.url === true,
    json: flags.json === true
  }
  try {
    await stat(path)
  } catch (error) {
    throw new CliError(
      `'${short(alleged)}' cannot be deployed: ${(error as Error).message}`,
      'Give the path of a file, folder or .zip.'
    )
  }
  return order
}

function nameOf(path: string, given: string | undefined): string {
  const rule = "1 to 64 letters, digits, '-' or '_'"
  if (given !== undefined) return parsePattern(given, '--name', FUNCTION_NAME, rule)
  const name = basename(path, extname(path))
  if (!FUNCTION_NAME.test(name)) {
    throw new UsageError(
      `'${short(name)}', the name of ${short(path)}, is no function name: that has ${rule}`,
      'Give one with --name.'
    )
  }
  return name
}

function environmentOf(assignments: readonly string[]): Record<string, string> {
  const environment = Object.fromEntries(assignments.map(parseAssignment))
  const bytes = Object.entries(environment).reduce((total, pair) => total + Buffer.byteLength(pair.join('')), 0)
  if (bytes > LIMITS.environmentBytesMax) {
    throw new UsageError(`--env: ${bytes} bytes of names and values, at most ${LIMITS.environmentBytesMax} are allowed`)
  }
  return environment
}
