/** What a deployment sends: the least that turns the function that is there into the one that is wanted. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeClient } from './client.ts'
import { objectOf } from './context.ts'
import { ApiError, CliError } from './errors.ts'
import { type FunctionConfiguration, findFunction, functionPath, isConflict } from './lambda.ts'

/** undefined leaves a default, or what the function has. */
export interface DeploymentOrder {
  name: string
  zip: Uint8Array
  runtime: string
  handler: string
  memoryMb: number | undefined
  timeoutSeconds: number | undefined
  /** Replaces all variables. */
  environment: Record<string, string> | undefined
}

/** The API wants a role of this form; Peerless has none, so the name says that nobody reads it. */
const ROLE = 'arn:aws:iam::000000000000:role/peerless'
const POLL_MS = 100
const ACTIVE_TIMEOUT_MS = 120_000
/** A base64 upload of 50 MB over a slow line, and the build of its bundle. */
const UPLOAD_TIMEOUT_MS = 600_000

/** Creates or updates and waits until it can be invoked. @returns its configuration then */
export async function putFunction(
  client: NodeClient,
  order: DeploymentOrder,
  monotonic: () => number
): Promise<FunctionConfiguration> {
  const found = (await findFunction(client, order.name)) ?? (await create(client, order))
  if (found !== undefined) await update(client, order, found)
  return await untilActive(client, order.name, monotonic)
}

/** @returns what is there already, where another deployment of the name was first */
async function create(client: NodeClient, order: DeploymentOrder): Promise<FunctionConfiguration | undefined> {
  const json = {
    FunctionName: order.name,
    Role: ROLE,
    Runtime: order.runtime,
    Code: { ZipFile: base64(order.zip) },
    ...settingsOf(order)
  }
  try {
    await client.json(
      { method: 'POST', path: ['2015-03-31', 'functions'], json, timeoutMs: UPLOAD_TIMEOUT_MS },
      `deploy ${order.name}`
    )
    return undefined
  } catch (error) {
    const found = isConflict(error) ? await findFunction(client, order.name) : undefined
    if (found === undefined) throw error
    return found
  }
}

async function update(client: NodeClient, order: DeploymentOrder, found: FunctionConfiguration): Promise<void> {
  const { name } = order
  const changes = changesOf(order, found)
  const updateCode = async () => {
    if (createHash('sha256').update(order.zip).digest('base64') === found.CodeSha256) return
    const json = { ZipFile: base64(order.zip) }
    await client.json({ method: 'PUT', path: functionPath(name, 'code'), json, timeoutMs: UPLOAD_TIMEOUT_MS }, `deploy ${name}`)
  }
  const updateConfiguration = async () => {
    if (Object.keys(changes).length === 0) return
    await client.json({ method: 'PUT', path: functionPath(name, 'configuration'), json: changes }, `deploy ${name}`)
  }
  if (!('Handler' in changes)) {
    await updateConfiguration()
    await updateCode()
    return
  }
  // Code and handler change in two requests, and the node checks each against what the other is at that moment. Usually the new code
  // still has the old handler, or the old code the new one; where neither is so, the first refusal says why.
  try {
    await updateCode()
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error
    await updateConfiguration().catch(() => {
      throw new CliError(
        error.message,
        `The function's code and handler cannot change at once here: 'peerless rm ${name}', then deploy again.`
      )
    })
    await updateCode()
    return
  }
  await updateConfiguration()
}

/** The part of UpdateFunctionConfiguration that differs. */
function changesOf(order: DeploymentOrder, found: FunctionConfiguration): Record<string, unknown> {
  const wanted: Record<string, unknown> = { ...settingsOf(order), Runtime: order.runtime }
  const current: Record<string, unknown> = { ...found, Environment: { Variables: found.Environment?.Variables ?? {} } }
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => stable(value) !== stable(current[name])))
}

function settingsOf(order: DeploymentOrder): Record<string, unknown> {
  return {
    Handler: order.handler,
    ...(order.memoryMb === undefined ? {} : { MemorySize: order.memoryMb }),
    ...(order.timeoutSeconds === undefined ? {} : { Timeout: order.timeoutSeconds }),
    ...(order.environment === undefined ? {} : { Environment: { Variables: order.environment } })
  }
}

/** JSON with sorted keys, to compare. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part
  )
}

async function untilActive(client: NodeClient, name: string, monotonic: () => number): Promise<FunctionConfiguration> {
  const end = monotonic() + ACTIVE_TIMEOUT_MS
  for (;;) {
    const answer = await client.json({ method: 'GET', path: functionPath(name, 'configuration') }, `deploy ${name}`)
    const found = objectOf<FunctionConfiguration>(answer, `deploy ${name}`)
    if (found.State === 'Failed' || found.LastUpdateStatus === 'Failed') {
      throw new CliError(
        `${name} was not deployed: ${found.StateReason ?? found.LastUpdateStatusReason ?? 'the node gave no reason'}`,
        'Mend the source and deploy again.'
      )
    }
    const updated = found.LastUpdateStatus === undefined || found.LastUpdateStatus === 'Successful'
    if (found.State === 'Active' && updated) return found
    if (monotonic() > end) {
      throw new CliError(
        `${name} is not active ${ACTIVE_TIMEOUT_MS / 1_000} s after its upload: state ${found.State}, update ${found.LastUpdateStatus}`,
        `Look again with 'peerless show ${name}'.`
      )
    }
    await delay(POLL_MS)
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
