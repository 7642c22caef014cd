import { access, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { REGION_DEFAULT } from '@peerless/interface'
import { CliError } from './errors.ts'
import type { Host } from './host.ts'
import { parseOrigin } from './values.ts'

/** Where the node is and with what to sign. */
export interface Access {
  /** `http://host:port` */
  origin: string
  accessKeyId: string
  secretAccessKey: string
  region: string
  /** Requests are not signed: there are no keys yet. */
  unsigned?: true
  /** What the person did to choose it, for errors. */
  source: { kind: 'data'; directory: string; pid: number } | { kind: 'url' }
}

export interface AccessOptions {
  data?: string | undefined
  node?: string | undefined
}

/** A daemon.json is some 300 bytes; a larger file is not one. */
const DAEMON_FILE_BYTES_MAX = 65_536

/** `--data`, else $PEERLESS_DATA, else ~/.peerless; absolute. */
export function dataDirectoryOf(host: Host, data: string | undefined): string {
  return resolve(host.cwd, data || host.env.PEERLESS_DATA || join(host.home, '.peerless'))
}

/** @throws CliError when no node has left its address there, or when `--node` comes without keys */
export async function findAccess(host: Host, options: AccessOptions): Promise<Access> {
  if (options.node !== undefined) return accessOfUrl(host, options.node)
  const directory = dataDirectoryOf(host, options.data)
  const path = join(directory, 'daemon.json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      if (await hasLeft(directory)) {
        throw new CliError(
          `the node of the data folder ${directory} has left its mesh, and none runs there any more`,
          "Give the folder of another with --data DIR or $PEERLESS_DATA, or a node with --node URL; 'peerless up' begins anew in an empty folder."
        )
      }
      throw new CliError(`no node runs with the data folder ${directory}: there is no daemon.json in it`, startHint(directory))
    }
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, 'Run the command as the user who runs the node.')
  }
  return { ...parseDaemonFile(text, path), source: { kind: 'data', directory, pid: pidOf(text) } }
}

/** The same without keys, for whoever is about to get some. @throws CliError as `findAccess`, but for missing keys */
export async function findAddress(host: Host, options: AccessOptions): Promise<Access> {
  const access =
    options.node === undefined
      ? await findAccess(host, options)
      : { origin: parseOrigin(options.node, '--node'), region: REGION_DEFAULT, source: { kind: 'url' } as const }
  return { ...access, accessKeyId: '', secretAccessKey: '', unsigned: true }
}

/** What `peerless leave` leaves there: nothing starts in such a folder any more. */
async function hasLeft(directory: string): Promise<boolean> {
  return await access(join(directory, 'left.json')).then(
    () => true,
    // No mark, or none that can be seen: then it is said that no node runs, which is true as well.
    () => false
  )
}

export function startHint(directory: string): string {
  return `Start one with 'peerless up --data ${directory}', name another folder with --data DIR or $PEERLESS_DATA, or a node with --node URL.`
}

function accessOfUrl(host: Host, alleged: string): Access {
  const origin = parseOrigin(alleged, '--node')
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = host.env
  if (!accessKeyId || !secretAccessKey) {
    throw new CliError(
      `--node ${origin} needs an access key, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set`,
      `Run eval "$(peerless env)" where the node's data folder is, or make a key with 'peerless keys create' and export both variables.`
    )
  }
  const region = host.env.AWS_REGION || host.env.AWS_DEFAULT_REGION || REGION_DEFAULT
  return { origin, accessKeyId, secretAccessKey, region, source: { kind: 'url' } }
}

function parseDaemonFile(text: string, path: string): Omit<Access, 'source'> {
  const value = text.length > DAEMON_FILE_BYTES_MAX ? undefined : parseRecord(text)
  const { http, accessKeyId, secretAccessKey, region } = value ?? {}
  if (![http, accessKeyId, secretAccessKey].every((part) => typeof part === 'string' && part !== '')) {
    throw new CliError(
      `${path} is not what a running node writes: it must be JSON of at most ${DAEMON_FILE_BYTES_MAX} bytes with http, accessKeyId and secretAccessKey`,
      'Restart the node: it writes the file again.'
    )
  }
  return {
    origin: parseOrigin(String(http), `http in ${path}`),
    accessKeyId: String(accessKeyId),
    secretAccessKey: String(secretAccessKey),
    region: typeof region === 'string' && region !== '' ? region : REGION_DEFAULT
  }
}

function pidOf(text: string): number {
  const pid = parseRecord(text)?.pid
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : 0
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // Not JSON: the caller says so with the file's name.
    return undefined
  }
}
