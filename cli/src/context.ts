import type { Command } from 'commander'
import type { AccessOptions } from './access.ts'
import type { NodeClient } from './client.ts'
import { CliError } from './errors.ts'
import { type Host, write } from './host.ts'

/** What a command works with. One per run of the program. */
export class Context {
  readonly host: Host
  /** What the process ends with, unless an error decides. */
  exitCode = 0
  #client: NodeClient | undefined

  constructor(host: Host) {
    this.host = host
  }

  /** The client of the node that `data`, else the options of `command` and of the commands above it choose. */
  async connect(command: Command, data?: string): Promise<NodeClient> {
    if (this.#client !== undefined) return this.#client
    const options = accessOptions(command)
    // Loaded here, so that neither `up` nor the help waits for it.
    const [{ findAccess }, { NodeClient }] = await Promise.all([import('./access.ts'), import('./client.ts')])
    const access = await findAccess(this.host, { ...options, data: data ?? options.data })
    this.#client = await NodeClient.open(access, this.host.now)
    return this.#client
  }

  /** A client without keys, of the node that the options choose. */
  async reach(command: Command): Promise<NodeClient> {
    const [{ findAddress }, { NodeClient }] = await Promise.all([import('./access.ts'), import('./client.ts')])
    this.#client ??= await NodeClient.open(await findAddress(this.host, accessOptions(command)), this.host.now)
    return this.#client
  }

  async print(text: string | Uint8Array): Promise<void> {
    await write(this.host.stdout, text)
  }

  async printJson(value: unknown): Promise<void> {
    await this.print(`${JSON.stringify(value)}\n`)
  }

  async note(text: string): Promise<void> {
    await write(this.host.stderr, text)
  }

  close(): void {
    this.#client?.close()
  }
}

const DATA_TEXT = 'data folder of the node to talk to (default: $PEERLESS_DATA, else ~/.peerless)'
const NODE_TEXT = 'talk to the node at this URL, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'

/** Adds `--data` and `--node`, so that they may also follow the command's name. */
export function withNode(command: Command): Command {
  return command.option('--data <dir>', DATA_TEXT).option('--node <url>', NODE_TEXT)
}

/** For a command that can be about the node itself. */
export function withNodeItself(command: Command): Command {
  return command.option('--data <dir>', DATA_TEXT).option('--node [url]', `${NODE_TEXT}; without a URL: show the node itself`)
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for programs')
}

/** The nearest of each, from the command upwards. A command whose own `--data` means something else is marked by `ownData`. */
export function accessOptions(command: Command): AccessOptions {
  const found: AccessOptions = {}
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const { data, node } = at.opts<AccessOptions>()
    if (!ownData.has(at)) found.data ??= data
    // `peerless show --node` without a URL means the node itself.
    if (typeof node === 'string') found.node ??= node
  }
  return found
}

const ownData = new WeakSet<Command>()

/** `--data` of this command is not the data folder. */
export function markOwnData(command: Command): void {
  ownData.add(command)
}

/** An alleged list of objects. @throws CliError */
export function listOf<Row>(value: unknown, what: string): Row[] {
  if (!Array.isArray(value) || value.some((row) => typeof row !== 'object' || row === null)) {
    throw new CliError(`${what}: the answer is no list of objects`, 'Check that the node runs the same version as this command.')
  }
  return value as Row[]
}

/** An alleged object. @throws CliError */
export function objectOf<Value>(value: unknown, what: string): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError(`${what}: the answer is no object`, 'Check that the node runs the same version as this command.')
  }
  return value as Value
}
