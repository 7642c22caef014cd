import { webcrypto } from 'node:crypto'
import { cidOf } from '@peerless/bundle'
import {
  ACCOUNT_NAME,
  type BlockStore,
  type Catalog,
  type Clock,
  type CodeReference,
  type Deployments,
  type FetchBlock,
  FUNCTION_NAME,
  type FunctionRecord,
  type FunctionSettings,
  type FunctionVersion,
  isPeerlessError,
  LATEST,
  LIMITS,
  type Logger,
  PeerlessError,
  type Random
} from '@peerless/interface'
import { BUILD_MS_MAX, DEPLOYMENTS_IN_WORK_MAX, ZIP_FETCH_MS_MAX } from './constants.ts'
import { HANDLER_DEFAULT, ROLE_DEFAULT, RUNTIME_DEFAULT } from './function-rules.ts'
import { checkSettings } from './settings.ts'
import { Turns } from './turns.ts'

export interface DeploymentsOptions {
  catalog: Catalog
  store: BlockStore
  fetch: FetchBlock
  /** Makes the bundle of a zip. @throws INVALID_ZIP, INVALID_SOURCE, HANDLER_NOT_FOUND, TOO_LARGE */
  build: (order: { zip: Uint8Array; handler: string }) => Promise<{ bytes: Uint8Array }>
  clock: Clock
  random: Random
  logger: Logger
}

/** Deployments at this node. Changes of one function go one after the other; what another node changes meanwhile is a CONFLICT. */
export function createDeployments(options: DeploymentsOptions): Deployments {
  return new NodeDeployments(options)
}

class NodeDeployments implements Deployments {
  readonly #options: DeploymentsOptions
  readonly #logger: Logger
  readonly #turns = new Turns(DEPLOYMENTS_IN_WORK_MAX)

  constructor(options: DeploymentsOptions) {
    this.#options = options
    this.#logger = options.logger.child({ part: 'deployments' })
  }

  async create(order: { name: string; account: string; zip: Uint8Array; settings: FunctionSettings }): Promise<FunctionRecord> {
    const { name, account, zip, settings } = order
    checkPattern('function name', name, FUNCTION_NAME, "must have 1 to 64 letters, digits, '-' or '_'")
    checkPattern('account', account, ACCOUNT_NAME, "must have 1 to 64 letters, digits, '-', '_' or '.'")
    checkSettings(settings)
    checkZip(zip)
    return await this.#turns.run(name, async () => {
      this.#checkFree(name)
      const handler = settings.handler ?? HANDLER_DEFAULT
      const code = await this.#store(zip, await this.#build(zip, handler))
      this.#checkFree(name)
      const now = this.#options.clock.now()
      const latest: FunctionVersion = {
        version: LATEST,
        revisionId: this.#options.random.uuid(),
        handler,
        runtime: settings.runtime ?? RUNTIME_DEFAULT,
        role: settings.role ?? ROLE_DEFAULT,
        description: settings.description ?? '',
        memoryMb: settings.memoryMb ?? LIMITS.memoryMbDefault,
        timeoutSeconds: settings.timeoutSeconds ?? LIMITS.timeoutSecondsDefault,
        environment: { ...settings.environment },
        code,
        modifiedAt: now
      }
      return await this.#put({ name, account, createdAt: now, urlAuth: settings.urlAuth ?? undefined, latest })
    })
  }

  async updateCode(order: {
    name: string
    zip: Uint8Array
    revisionId?: string | undefined
    dryRun?: boolean
  }): Promise<FunctionRecord> {
    const { name, zip, revisionId, dryRun } = order
    checkZip(zip)
    return await this.#turns.run(name, async () => {
      const before = this.#current(name, revisionId)
      const bundle = await this.#build(zip, before.latest.handler)
      if (dryRun === true) return this.#changed(this.#unchanged(before), { code: await codeOf(zip, bundle, cidOf) })
      const code = await this.#store(zip, bundle)
      return await this.#put(this.#changed(this.#unchanged(before), { code }))
    })
  }

  async updateConfiguration(order: {
    name: string
    settings: FunctionSettings
    revisionId?: string | undefined
  }): Promise<FunctionRecord> {
    const { name, settings, revisionId } = order
    checkSettings(settings)
    return await this.#turns.run(name, async () => {
      const before = this.#current(name, revisionId)
      const { urlAuth, ...given } = settings
      const changes: Partial<FunctionVersion> = Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined)
      )
      if (changes.environment !== undefined) changes.environment = { ...changes.environment }
      if (changes.handler !== undefined && changes.handler !== before.latest.handler) {
        changes.code = await this.#rebuild(before, changes.handler)
      }
      const now = this.#unchanged(before)
      // The function URL is not part of a version: instances of it stay warm when only the URL changes.
      const onlyUrl = urlAuth !== undefined && Object.keys(changes).length === 0
      const record = onlyUrl ? now : this.#changed(now, changes)
      return await this.#put(urlAuth === undefined ? record : { ...record, urlAuth: urlAuth ?? undefined })
    })
  }

  async remove(name: string): Promise<void> {
    await this.#turns.run(name, async () => {
      const { account } = this.#current(name, undefined)
      await this.#options.catalog.remove('function', name)
      this.#logger.info('function removed', { function: name, account })
    })
  }

  async zipOf(record: FunctionRecord): Promise<Uint8Array> {
    const { store, fetch } = this.#options
    const { zipCid, zipBytes } = record.latest.code
    return (await readHealthy(store, zipCid)) ?? (await fetch(zipCid, { bytes: zipBytes, timeoutMs: ZIP_FETCH_MS_MAX }))
  }

  async #rebuild(before: FunctionRecord, handler: string): Promise<CodeReference> {
    const zip = await this.zipOf(before)
    return await this.#store(zip, await this.#build(zip, handler))
  }

  async #build(zip: Uint8Array, handler: string): Promise<Uint8Array> {
    const { bytes } = await this.#inTime(this.#options.build({ zip, handler }))
    if (bytes.length > 0 && bytes.length <= LIMITS.bundleBytesMax) return bytes
    throw new PeerlessError('TOO_LARGE', `the bundle has ${bytes.length} bytes, it must have 1 to ${LIMITS.bundleBytesMax}`)
  }

  /** A build that hangs must not hold the function's turn for ever. */
  async #inTime<Result>(build: Promise<Result>): Promise<Result> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.#options.clock.after(BUILD_MS_MAX, () => {
      reject(new PeerlessError('DEADLINE_EXCEEDED', `the build took longer than ${BUILD_MS_MAX} ms`))
    })
    try {
      return await Promise.race([build, late])
    } finally {
      timer.cancel()
    }
  }

  #store(zip: Uint8Array, bundle: Uint8Array): Promise<CodeReference> {
    return codeOf(zip, bundle, (bytes) => this.#options.store.write(bytes))
  }

  #checkFree(name: string): void {
    if (this.#options.catalog.get('function', name) === undefined) return
    throw new PeerlessError('CONFLICT', `Function already exist: ${name}`)
  }

  /** @throws NOT_FOUND, PRECONDITION_FAILED */
  #current(name: string, revisionId: string | undefined): FunctionRecord {
    const record = this.#options.catalog.get('function', name)
    if (record === undefined) throw new PeerlessError('NOT_FOUND', `Function not found: ${String(name).slice(0, 100)}`)
    if (revisionId !== undefined && revisionId !== record.latest.revisionId) {
      throw new PeerlessError(
        'PRECONDITION_FAILED',
        `the revision id '${String(revisionId).slice(0, 100)}' is not the current one, '${record.latest.revisionId}'; read the function and try again`
      )
    }
    return record
  }

  /** The record as it is after the build: another node may have written meanwhile. @throws NOT_FOUND, CONFLICT */
  #unchanged(before: FunctionRecord): FunctionRecord {
    const now = this.#current(before.name, undefined)
    if (now.latest.revisionId === before.latest.revisionId) return now
    throw new PeerlessError('CONFLICT', `function '${before.name}' was changed at another node meanwhile; try again`)
  }

  #changed(record: FunctionRecord, changes: Partial<FunctionVersion>): FunctionRecord {
    const { random, clock } = this.#options
    return { ...record, latest: { ...record.latest, ...changes, revisionId: random.uuid(), modifiedAt: clock.now() } }
  }

  async #put(record: FunctionRecord): Promise<FunctionRecord> {
    const { catalog } = this.#options
    await catalog.put('function', record.name, record)
    const { revisionId, code } = record.latest
    this.#logger.info('function deployed', { function: record.name, account: record.account, revisionId, cid: code.bundleCid })
    return record
  }
}

/** @param nameOf stores the bytes, or not, and says their CID */
async function codeOf(
  zip: Uint8Array,
  bundle: Uint8Array,
  nameOf: (bytes: Uint8Array) => Promise<string>
): Promise<CodeReference> {
  const [zipCid, bundleCid, hash] = await Promise.all([
    nameOf(zip),
    nameOf(bundle),
    webcrypto.subtle.digest('SHA-256', zip as Uint8Array<ArrayBuffer>)
  ])
  return { zipCid, zipBytes: zip.length, zipSha256: Buffer.from(hash).toString('base64'), bundleCid, bundleBytes: bundle.length }
}

/** A damaged block was set aside by the store; a peer may have a good one. */
async function readHealthy(store: BlockStore, cid: string): Promise<Uint8Array | undefined> {
  try {
    return await store.read(cid)
  } catch (error) {
    if (isPeerlessError(error, 'CORRUPT')) return undefined
    throw error
  }
}

function checkPattern(what: string, value: unknown, pattern: RegExp, rule: string): void {
  if (typeof value === 'string' && pattern.test(value)) return
  throw new PeerlessError('INVALID_ARGUMENT', `${what} '${String(value).slice(0, 200)}' ${rule}`)
}

function checkZip(zip: Uint8Array): void {
  if (!(zip instanceof Uint8Array) || zip.length === 0) throw new PeerlessError('INVALID_ZIP', 'the zip is empty')
  if (zip.length > LIMITS.zipBytesMax) {
    throw new PeerlessError('TOO_LARGE', `the zip has ${zip.length} bytes, at most ${LIMITS.zipBytesMax}`)
  }
}
