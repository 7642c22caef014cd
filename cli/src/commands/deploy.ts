import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { FUNCTION_NAME, HANDLER, LIMITS } from '@peerless/interface'
import type { Command } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, withJson, withNode } from '../context.ts'
import { putFunction } from '../deployment.ts'
import { CliError, UsageError } from '../errors.ts'
import { cidOf, findUrl, openUrl } from '../lambda.ts'
import { putLatencyTarget } from '../latency.ts'
import { latencyTargetOf, type Manifest, readManifest } from '../manifest.ts'
import { bytesText, digits, fields, printable } from '../text.ts'
import { checkEnvironmentSize, parseAssignment, parseInteger, parsePattern, short } from '../values.ts'
import { changesUnder } from '../watcher.ts'

interface Flags {
  name?: string
  handler?: string
  memory?: string
  timeout?: string
  env?: string[]
  latencyTarget?: string
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
  /** null takes it away. */
  latencyTargetMs: number | null | undefined
  url: boolean
  json: boolean
}

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Bundle a file or folder (TypeScript, JavaScript, npm dependencies), or take a ready .zip, upload it and wait until it can be invoked. What peerless.json in a folder says holds where no option says otherwise.\n' +
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
    .option(
      '--latency-target <duration>',
      'keep as many instances warm as it takes to answer 99 of 100 calls within that, such as 200ms; none: no more'
    )
    .option('--url', 'give it a function URL that anyone can call')
    .option('--watch', 'deploy again whenever a file changes, until Ctrl-C')
    .action(async (path: string, flags: Flags) => {
      const read = () => readOrder(path, flags, context)
      const order = await read()
      const client = await context.connect(command)
      if (!flags.watch) return await deploy(order, client, context)
      await deployOnChange(order.path, read, client, context)
    })
}

/** @param read the manifest may change, too */
async function deployOnChange(path: string, read: () => Promise<Order>, client: NodeClient, context: Context): Promise<void> {
  const signal = context.host.interrupted()
  // Asked for the first change before the first deployment: what is saved during that is not missed.
  const changes = changesUnder(path, signal)
  let change = changes.next()
  for (;;) {
    try {
      await deploy(await read(), client, context)
    } catch (error) {
      // A syntax error while typing must not end the watch; a bug of ours must.
      if (!(error instanceof CliError) && !(error instanceof Error && error.name === 'PeerlessError')) throw error
      await context.note(`${context.host.style('red', 'error:', 'stderr')} ${error.message}\n`)
    }
    await context.note(`${context.host.style('dim', `watching ${path}; Ctrl-C ends it`, 'stderr')}\n`)
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
  if (order.latencyTargetMs !== undefined) await putLatencyTarget(client, order.name, order.latencyTargetMs)
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
  const given = givenBy(flags)
  try {
    await stat(path)
  } catch (error) {
    // Wrong usage is said before what is not there.
    if (given.name === undefined) nameOf(path)
    throw new CliError(
      `'${short(alleged)}' cannot be deployed: ${(error as Error).message}`,
      'Give the path of a file, folder or .zip.'
    )
  }
  const manifest: Manifest = { ...(await readManifest(path)), ...given }
  return {
    path,
    name: manifest.name ?? nameOf(path),
    handler: manifest.handler,
    memoryMb: manifest.memoryMb,
    timeoutSeconds: manifest.timeoutSeconds,
    environment: manifest.environment,
    latencyTargetMs: manifest.latencyTargetMs,
    url: manifest.url === true,
    json: flags.json === true
  }
}

/** What the options say, in the manifest's words. */
function givenBy({ name, handler, memory, timeout, env, latencyTarget, url }: Flags): Manifest {
  const given: Manifest = {}
  if (name !== undefined) given.name = parsePattern(name, '--name', FUNCTION_NAME, NAME_RULE)
  if (handler !== undefined)
    given.handler = parsePattern(handler, '--handler', HANDLER, 'FILE.EXPORT, 1 to 128 characters without spaces')
  if (memory !== undefined) given.memoryMb = parseInteger(memory, '--memory', LIMITS.memoryMbMin, LIMITS.memoryMbMax)
  if (timeout !== undefined) given.timeoutSeconds = parseInteger(timeout, '--timeout', 1, LIMITS.timeoutSecondsMax)
  if (env !== undefined) given.environment = environmentOf(env)
  if (latencyTarget !== undefined)
    given.latencyTargetMs = latencyTarget === 'none' ? null : latencyTargetOf(latencyTarget, '--latency-target')
  if (url === true) given.url = true
  return given
}

const NAME_RULE = "1 to 64 letters, digits, '-' or '_'"

function nameOf(path: string): string {
  const name = basename(path, extname(path))
  if (FUNCTION_NAME.test(name)) return name
  throw new UsageError(
    `'${short(name)}', the name of ${short(path)}, is no function name: that has ${NAME_RULE}`,
    'Give one with --name.'
  )
}

function environmentOf(assignments: readonly string[]): Record<string, string> {
  const environment = Object.fromEntries(assignments.map(parseAssignment))
  checkEnvironmentSize(environment, '--env')
  return environment
}
