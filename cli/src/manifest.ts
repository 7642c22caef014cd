/** `peerless.json`, the manifest of a function's folder: what would otherwise be flags of every deployment. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FUNCTION_NAME, HANDLER, LIMITS, MANIFEST_FILE } from '@peerless/interface'
import { CliError } from './errors.ts'
import { withoutMark } from './text.ts'
import { checkEnvironmentSize, parseAssignment, parseDuration, short } from './values.ts'

export interface Manifest {
  name?: string
  handler?: string
  memoryMb?: number
  timeoutSeconds?: number
  environment?: Record<string, string>
  url?: boolean
  /** null takes the target away. */
  latencyTargetMs?: number | null
}

const MANIFEST_BYTES_MAX = 65_536

type Reader = (value: unknown, what: string) => Partial<Manifest>

const MEMBERS: Record<string, Reader> = {
  name: (value, what) => ({ name: text(value, what, FUNCTION_NAME, "1 to 64 letters, digits, '-' or '_'") }),
  handler: (value, what) => ({ handler: text(value, what, HANDLER, 'FILE.EXPORT, 1 to 128 characters without spaces') }),
  memory: (value, what) => ({ memoryMb: whole(value, what, LIMITS.memoryMbMin, LIMITS.memoryMbMax, 'MB') }),
  timeout: (value, what) => ({ timeoutSeconds: whole(value, what, 1, LIMITS.timeoutSecondsMax, 'seconds') }),
  environment: (value, what) => ({ environment: environmentOf(value, what) }),
  url(value, what) {
    if (typeof value !== 'boolean') throw wrong(what, value, 'true or false')
    return { url: value }
  },
  latencyTarget: (value, what) => ({ latencyTargetMs: value === null ? null : latencyTargetOf(value, what) })
}

/**
 * The manifest of a folder; empty where there is none, or where the path is a file or a zip.
 * @throws CliError naming file, member and rule
 */
export async function readManifest(path: string): Promise<Manifest> {
  if (!(await stat(path)).isDirectory()) return {}
  const file = join(path, MANIFEST_FILE)
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new CliError(`${file} can't be read: ${(error as Error).message}`, 'Make it readable, or deploy another folder.')
  }
  if (bytes.length > MANIFEST_BYTES_MAX)
    throw new CliError(
      `${file} has ${bytes.length} bytes, a manifest has at most ${MANIFEST_BYTES_MAX}`,
      'docs/cli.md says what a manifest has.'
    )
  try {
    return manifestOf(JSON.parse(withoutMark(bytes).toString()))
  } catch (error) {
    throw new CliError(`${file}: ${(error as Error).message}`, 'docs/cli.md says what a manifest has.')
  }
}

function manifestOf(alleged: unknown): Manifest {
  if (typeof alleged !== 'object' || alleged === null || Array.isArray(alleged))
    throw new TypeError(`a manifest is an object with ${Object.keys(MEMBERS).join(', ')}`)
  const manifest: Manifest = {}
  for (const [name, value] of Object.entries(alleged)) {
    if (!Object.hasOwn(MEMBERS, name)) throw new TypeError(`'${short(name)}' must be one of ${Object.keys(MEMBERS).join(', ')}`)
    Object.assign(manifest, (MEMBERS[name] as Reader)(value, name))
  }
  return manifest
}

/** `200ms`, `2s`; LIMITS.latencyTargetMsMin to latencyTargetMsMax. */
export function latencyTargetOf(alleged: unknown, what: string): number {
  const targetMs = typeof alleged === 'string' ? parseDuration(alleged, what) : 0
  const { latencyTargetMsMin: least, latencyTargetMsMax: most } = LIMITS
  if (targetMs >= least && targetMs <= most) return targetMs
  throw wrong(what, alleged, `a duration from ${least}ms to ${most / 1_000}s, such as 200ms, or none`)
}

function text(value: unknown, what: string, pattern: RegExp, rule: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw wrong(what, value, rule)
}

function whole(value: unknown, what: string, least: number, most: number, unit: string): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw wrong(what, value, `a whole number of ${unit} from ${least} to ${most}`)
}

function environmentOf(value: unknown, what: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, value, 'an object of texts')
  const entries = Object.entries(value).map(([name, one]): [string, string] => {
    // A value may be a secret, so only the name is said.
    if (typeof one !== 'string') throw new TypeError(`${what}: '${short(name)}' must be a text`)
    return parseAssignment(`${name}=${one}`)
  })
  const environment = Object.fromEntries(entries)
  checkEnvironmentSize(environment, what)
  return environment
}

function wrong(what: string, value: unknown, rule: string): TypeError {
  return new TypeError(`${what} '${short(typeof value === 'string' ? value : JSON.stringify(value))}' must be ${rule}`)
}
