/** The part of the Lambda API that the commands need. What a server says is alleged: the fields are optional here and checked at use. */
import { FUNCTION_NAME, type FunctionReference, parseFunctionReference } from '@peerless/interface'
import type { NodeClient, Order } from './client.ts'
import { listOf, objectOf } from './context.ts'
import { ApiError, CliError, UsageError } from './errors.ts'
import { parsePattern } from './values.ts'

export interface FunctionConfiguration {
  FunctionName?: string
  FunctionArn?: string
  Runtime?: string
  Handler?: string
  CodeSize?: number
  CodeSha256?: string
  Description?: string
  Timeout?: number
  MemorySize?: number
  LastModified?: string
  Version?: string
  Environment?: { Variables?: Record<string, string> }
  State?: string
  StateReason?: string
  LastUpdateStatus?: string
  LastUpdateStatusReason?: string
  RevisionId?: string
  /** CID of the code; an addition of Peerless. See `cidOf`. */
  PeerlessCid?: string
}

/** Above this many pages of a listing, the server is not making progress. */
const PAGES_MAX = 10_000

export function functionPath(name: string, ...rest: string[]): string[] {
  return ['2015-03-31', 'functions', name, ...rest]
}

/** What the node says, else the CID of the zip: version 1, raw, sha2-256, base32, made of its hash. */
export function cidOf({ PeerlessCid, CodeSha256 }: FunctionConfiguration): string | undefined {
  if (typeof PeerlessCid === 'string') return PeerlessCid
  const hash = Buffer.from(String(CodeSha256 ?? ''), 'base64')
  return hash.length === 32 ? `b${base32(Buffer.concat([RAW_SHA2_256, hash]))}` : undefined
}

/** Version 1, codec raw (0x55), hash sha2-256 (0x12) of 32 bytes. */
const RAW_SHA2_256 = Buffer.from([0x01, 0x55, 0x12, 0x20])

/** RFC 4648, lower case, without padding. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += 'abcdefghijklmnopqrstuvwxyz234567'[(held >> (bits - 5)) & 31]
    held &= 0xff
  }
  return bits === 0 ? text : text + 'abcdefghijklmnopqrstuvwxyz234567'[(held << (5 - bits)) & 31]
}

/** A bare function name of the command line. @throws UsageError */
export function parseFunctionName(alleged: string): string {
  return parsePattern(alleged, 'function name', FUNCTION_NAME, "1 to 64 letters, digits, '-' or '_'")
}

/** `NAME[:QUALIFIER]` or an ARN. @throws UsageError */
export function parseReference(alleged: string): FunctionReference {
  try {
    return parseFunctionReference(alleged)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** @returns undefined when there is no such function */
export async function findFunction(client: NodeClient, name: string): Promise<FunctionConfiguration | undefined> {
  const answer = await unlessMissing(client.json({ method: 'GET', path: functionPath(name) }, name))
  if (answer === undefined) return undefined
  return objectOf<FunctionConfiguration>(objectOf<{ Configuration: unknown }>(answer, name).Configuration, name)
}

export function listFunctions(client: NodeClient): Promise<FunctionConfiguration[]> {
  return listAll(client, ['2015-03-31', 'functions'], 'Functions', 'ls')
}

/** All pages of a listing. @param query beside those of paging */
export async function listAll<Row>(
  client: NodeClient,
  path: string[],
  member: string,
  what: string,
  query: Record<string, string> = {}
): Promise<Row[]> {
  const rows: Row[] = []
  let marker: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const order: Order = { method: 'GET', path, query: { ...query, Marker: marker, MaxItems: '50' } }
    const answer = objectOf<Record<string, unknown>>(await client.json(order, what), what)
    rows.push(...listOf<Row>(answer[member], what))
    if (typeof answer.NextMarker !== 'string' || answer.NextMarker === '') return rows
    marker = answer.NextMarker
  }
  throw new CliError(
    `${what}: the listing did not end after ${PAGES_MAX} pages`,
    'Check that the node runs the same version as this command.'
  )
}

export interface UrlConfiguration {
  FunctionArn?: string
  FunctionUrl?: string
  AuthType?: string
}

export async function findUrl(client: NodeClient, name: string): Promise<UrlConfiguration | undefined> {
  const answer = await unlessMissing(client.json({ method: 'GET', path: urlPath(name) }, name))
  return answer === undefined ? undefined : objectOf<UrlConfiguration>(answer, name)
}

/** Makes sure that anyone can call the function by its URL. */
export async function openUrl(client: NodeClient, name: string): Promise<UrlConfiguration> {
  const found = await findUrl(client, name)
  if (found?.AuthType === 'NONE') return found
  const send = async (method: 'POST' | 'PUT') => {
    const order: Order = { method, path: urlPath(name), json: { AuthType: 'NONE' } }
    return objectOf<UrlConfiguration>(await client.json(order, `${name} --url`), name)
  }
  if (found !== undefined) return await send('PUT')
  return await send('POST').catch((error) => {
    // Another deployment was first with it.
    if (isConflict(error)) return send('PUT')
    throw error
  })
}

/** It is there already. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409
}

function urlPath(name: string): string[] {
  return ['2021-10-31', 'functions', name, 'url']
}

/** undefined for what is not there. */
export async function unlessMissing<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
