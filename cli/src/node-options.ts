import { isIP, isIPv4, isIPv6 } from 'node:net'
import { ACCOUNT_ID_DEFAULT, ACCOUNT_NAME } from '@peerless/interface'
import type { NodeOptions } from '@peerless/node'
import { dataDirectoryOf } from './access.ts'
import { UsageError } from './errors.ts'
import type { Host } from './host.ts'
import { parseDuration, parseInteger, parseOrigin, parsePattern, short } from './values.ts'

/** As the command line has it. */
export interface UpFlags {
  data?: string
  http?: string
  listen?: string[]
  join?: string
  name?: string
  slots?: string
  fronts?: string
  memory?: string
  streamMb?: string
  replicas?: string
  antiEntropy?: string
  ledgerKeep?: string
  accountId?: string
  s3Endpoint?: string
  sqsEndpoint?: string
  snsEndpoint?: string
  kinesisEndpoint?: string
  eventbridgeEndpoint?: string
  allowEgress?: string[]
  sample?: boolean
  json?: boolean
}

export const HTTP_DEFAULT = '127.0.0.1:8787'
/** More busy isolates than that fit no machine: 10,000 of 128 MB are 1.28 TB. */
export const SLOTS_MAX = 10_000
/** The daemon and one executor take about that; more than 64 TB no machine has. */
export const MEMORY_MB_MIN = 256
const MEMORY_MB_MAX = 67_108_864
/** More cores than that few machines have, and each front is a node of the mesh. */
export const FRONTS_MAX = 64
/** Each copy costs a write and a message per event; beyond a few they protect against nothing that happens. */
export const REPLICAS_MAX = 5
/** Rounds more often cost more than they find; beyond a day a node that missed a change may as well have no rounds. */
const ANTI_ENTROPY_MS_MIN = 1_000
const ANTI_ENTROPY_MS_MAX = 86_400_000
/** Receipts go by days; ten years outlive most machines. */
const DAY_MS = 86_400_000
const LEDGER_KEEP_MS_MAX = 3_650 * DAY_MS
/** AWS's largest streamed answer, since 2025. */
export const STREAM_MB_MAX = 200
const MB = 1_048_576
/** An invite holds a certificate and some addresses: hundreds of bytes. */
const INVITE_CHARACTERS_MAX = 16_384
const LISTEN_MAX = 32
const PORT_MAX = 65_535
const EGRESS_MAX = 256

/** @throws UsageError naming the flag, its value and the rule */
export function parseNodeOptions(flags: UpFlags, host: Host): NodeOptions {
  const { join, name, slots, fronts, memory, streamMb, replicas, antiEntropy, ledgerKeep } = flags
  const listen = few(flags.listen ?? [], '--listen', LISTEN_MAX).map(parseListen)
  return {
    dataDirectory: dataDirectoryOf(host, flags.data),
    http: parseHostPort(flags.http ?? HTTP_DEFAULT),
    listen,
    ...(join === undefined ? {} : { join: parseInvite(join) }),
    ...(name === undefined
      ? {}
      : { name: parsePattern(name, '--name', ACCOUNT_NAME, "1 to 64 letters, digits, '-', '_' or '.'") }),
    ...(slots === undefined ? {} : { slots: parseInteger(slots, '--slots', 0, SLOTS_MAX) }),
    ...(fronts === undefined ? {} : { fronts: parseFronts(fronts, memory, listen) }),
    ...(memory === undefined ? {} : { memoryMb: parseInteger(memory, '--memory', MEMORY_MB_MIN, MEMORY_MB_MAX) }),
    ...(streamMb === undefined ? {} : { streamBytesMax: parseInteger(streamMb, '--stream-mb', 1, STREAM_MB_MAX) * MB }),
    ...(replicas === undefined ? {} : { replicas: parseInteger(replicas, '--replicas', 0, REPLICAS_MAX) }),
    ...(antiEntropy === undefined ? {} : { antiEntropyMs: parseAntiEntropy(antiEntropy) }),
    ...(ledgerKeep === undefined ? {} : { ledgerKeepMs: parseLedgerKeep(ledgerKeep) }),
    accountId: parsePattern(flags.accountId ?? ACCOUNT_ID_DEFAULT, '--account-id', /^\d{12}$/, 'exactly 12 digits'),
    ...parseEndpoints(flags),
    allowEgress: few(flags.allowEgress ?? [], '--allow-egress', EGRESS_MAX).map(parseCidr),
    ...(flags.sample === true ? { sample: true } : {}),
    json: flags.json === true
  }
}

function parseFronts(alleged: string, memory: string | undefined, listen: readonly string[]): number {
  const fronts = parseInteger(alleged, '--fronts', 1, FRONTS_MAX)
  const memoryMb = memory === undefined ? undefined : Number(memory)
  if (memoryMb !== undefined && memoryMb < fronts * MEMORY_MB_MIN) {
    throw new UsageError(
      `--memory ${memoryMb} must be at least ${fronts * MEMORY_MB_MIN} with --fronts ${fronts}: each front needs ${MEMORY_MB_MIN} MB`
    )
  }
  const beyond = listen.find((address) => Number(address.slice(address.lastIndexOf('/') + 1)) + fronts - 1 > PORT_MAX)
  if (beyond !== undefined) {
    throw new UsageError(
      `--listen '${short(beyond)}' must leave room for --fronts ${fronts}: each further front takes the next port, up to ${PORT_MAX}`
    )
  }
  return fronts
}

function parseAntiEntropy(alleged: string): number {
  const ms = parseDuration(alleged, '--anti-entropy')
  if (ms >= ANTI_ENTROPY_MS_MIN && ms <= ANTI_ENTROPY_MS_MAX) return ms
  throw new UsageError(`--anti-entropy '${short(alleged)}' must be from 1s to 1d`)
}

function parseLedgerKeep(alleged: string): number {
  const ms = parseDuration(alleged, '--ledger-keep')
  if (ms >= DAY_MS && ms <= LEDGER_KEEP_MS_MAX) return ms
  throw new UsageError(`--ledger-keep '${short(alleged)}' must be from 1d to 3650d`)
}

const ENDPOINTS = [
  ['s3Endpoint', '--s3-endpoint'],
  ['sqsEndpoint', '--sqs-endpoint'],
  ['snsEndpoint', '--sns-endpoint'],
  ['kinesisEndpoint', '--kinesis-endpoint'],
  ['eventbridgeEndpoint', '--eventbridge-endpoint']
] as const

function parseEndpoints(flags: UpFlags): Partial<NodeOptions> {
  const given = ENDPOINTS.flatMap(([key, flag]) => {
    const origin = flags[key]
    return origin === undefined ? [] : [[key, parseOrigin(origin, flag)] as const]
  })
  return Object.fromEntries(given)
}

/** `HOST:PORT`, an IPv6 address in brackets; port 0 takes any free one. */
function parseHostPort(alleged: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(alleged) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  const valid = bracketed === undefined ? host !== undefined && isHost(host) : isIPv6(bracketed)
  if (host === undefined || !valid || !(port <= 65_535)) {
    throw new UsageError(
      `--http '${short(alleged)}' must be HOST:PORT with a port from 0 to 65535, an IPv6 address in brackets, such as 127.0.0.1:8787 or [::1]:8787`
    )
  }
  return { host, port }
}

/** An IPv4 address or a host name; what looks like numbers and dots must be an address. */
function isHost(alleged: string): boolean {
  if (/^[\d.]+$/.test(alleged)) return isIPv4(alleged)
  return (
    alleged.length <= 253 && /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/.test(alleged)
  )
}

/** TCP over an IP address of this machine: the only thing that a node listens on. */
function parseListen(alleged: string): string {
  const [, family, address, digits] = /^\/(ip4|ip6)\/([^/]+)\/tcp\/(\d{1,5})$/.exec(alleged) ?? []
  const isAddress = family === 'ip4' ? isIPv4 : isIPv6
  if (address === undefined || !isAddress(address) || !(Number(digits) <= 65_535)) {
    throw new UsageError(
      `--listen '${short(alleged)}' must be a multiaddr /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT with a port from 0 to 65535`
    )
  }
  return alleged
}

function parseInvite(alleged: string): string {
  const token = alleged.trim()
  if (token === '' || /\s/.test(token) || token.length > INVITE_CHARACTERS_MAX) {
    throw new UsageError(
      `--join must be one invite token as 'peerless invite' prints it: 1 to ${INVITE_CHARACTERS_MAX} characters without spaces, not ${token.length} characters`
    )
  }
  return token
}

function parseCidr(alleged: string): string {
  const [, address, bits] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(alleged) ?? []
  const family = address === undefined ? 0 : isIP(address)
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) {
    throw new UsageError(
      `--allow-egress '${short(alleged)}' must be a CIDR block: an IP address, '/', and 0 to 32 bits (IPv4) or 0 to 128 bits (IPv6), such as 127.0.0.0/8`
    )
  }
  return alleged
}

function few(values: string[], flag: string, countMax: number): string[] {
  if (values.length > countMax) throw new UsageError(`${flag} was given ${values.length} times, at most ${countMax}`)
  return values
}
