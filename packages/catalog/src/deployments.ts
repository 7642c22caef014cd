import { cidOf, sha256Of } from '@peerless/bundle'
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
  type FunctionVersion,
  isPeerlessError,
  LATEST,
  type LayerUse,
  LIMITS,
  type Logger,
  PeerlessError,
  type QualifierSettings,
  type Random,
  type StoredCode,
  settingsOf,
  type UrlAuth
} from '@peerless/interface'
import {
  ACCOUNT_CHANGES_IN_WORK_MAX,
  ACCOUNT_DEPLOYMENTS_IN_WORK_MAX,
  ACCOUNT_DEPLOYMENTS_WAITING_MAX,
  BUILD_MS_MAX,
  CHANGES_IN_WORK_MAX,
  DEPLOYMENTS_IN_WORK_MAX,
  DEPLOYMENTS_WAITING_BYTES_MAX,
  DEPLOYMENTS_WAITING_MAX,
  DEPLOYMENTS_WAITING_MS_MAX,
  ZIP_FETCH_MS_MAX
} from './constants.ts'
import { HANDLER_DEFAULT, ROLE_DEFAULT, RUNTIME_DEFAULT } from './function-rules.ts'
import { checkSettings } from './settings.ts'
import { Turns, type Work } from './turns.ts'

export interface DeploymentsOptions {
  catalog: Catalog
  store: BlockStore
  fetch: FetchBlock
  /** Makes the bundle of a zip. @throws INVALID_ZIP, INVALID_SOURCE, HANDLER_NOT_FOUND, TOO_LARGE */
  build: (order: { zip: Uint8Array; handler: string; layers: Uint8Array[] }) => Promise<{ bytes: Uint8Array }>
  /** Looks through a zip that nothing is built of. @throws INVALID_ZIP, TOO_LARGE */
  checkZip: (zip: Uint8Array) => Promise<void>
  clock: Clock
  random: Random
  logger: Logger
}

/** Deployments at this node. Changes of one function go one after the other, those of other nodes too; what a build was made of and was changed meanwhile is a CONFLICT. */
export function createDeployments(options: DeploymentsOptions): Deployments {
  return new NodeDeployments(options)
}

const BOUNDS = {
  deployments: {
    tasksMax: DEPLOYMENTS_IN_WORK_MAX,
    accountTasksMax: ACCOUNT_DEPLOYMENTS_IN_WORK_MAX,
    waitingMax: DEPLOYMENTS_WAITING_MAX,
    accountWaitingMax: ACCOUNT_DEPLOYMENTS_WAITING_MAX,
    waitingBytesMax: DEPLOYMENTS_WAITING_BYTES_MAX,
    waitingMsMax: DEPLOYMENTS_WAITING_MS_MAX
  },
  changes: {
    tasksMax: CHANGES_IN_WORK_MAX,
    accountTasksMax: ACCOUNT_CHANGES_IN_WORK_MAX,
    waitingMax: 0,
    accountWaitingMax: 0,
    waitingBytesMax: 0,
    waitingMsMax: 0
  }
} as const

class NodeDeployments implements Deployments {
  readonly #options: DeploymentsOptions
  readonly #logger: Logger
  readonly #turns: Turns

  constructor(options: DeploymentsOptions) {
    this.#options = options
    this.#logger = options.logger.child({ part: 'deployments' })
    this.#turns = new Turns(BOUNDS, options.clock)
  }

  async create(order: Parameters<Deployments['create']>[0]): Promise<FunctionRecord> {
    const { name, account, zip, settings } = order
    checkPattern('function name', name, FUNCTION_NAME, "must have 1 to 64 letters, digits, '-' or '_'")
    checkPattern('account', account, ACCOUNT_NAME, "must have 1 to 64 letters, digits, '-', '_' or '.'")
    checkSettings(settings)
    checkZip(zip)
    const create = async () => {
      this.#checkFree(name)
      const handler = settings.handler ?? HANDLER_DEFAULT
      const code = await this.#store(zip, await this.#build(zip, handler, settings.layers ?? []))
      const now = this.#options.clock.now()
      const { urlAuth, ...given } = settings
      const latest: FunctionVersion = {
        ...given,
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
      const record: FunctionRecord = {
        name,
        account,
        createdAt: now,
        latest: settled(latest),
        tags: order.tags,
        codeSigningArn: order.codeSigningArn
      }
      return await this.#options.catalog.inTurn('function', name, () => {
        this.#checkFree(name)
        return this.#put(withUrl(record, urlAuth, now))
      })
    }
    return await this.#turns.run('deployments', account, name, create, zip.length)
  }

  async updateCode(order: Parameters<Deployments['updateCode']>[0]): Promise<FunctionRecord> {
    const { name, zip, revisionId, dryRun, architecture } = order
    checkZip(zip)
    const update = async (asked: FunctionRecord) => {
      const before = this.#still(asked, revisionId)
      const { handler, layers } = before.latest
      const bundle = await this.#build(zip, handler, layers ?? [])
      const changes = architecture === undefined ? {} : { architecture }
      const now = () => mustBeBuiltAs(this.#still(before, revisionId), { handler, layers })
      if (dryRun === true) return this.#changed(now(), { ...changes, code: await codeOf(zip, bundle, cidOf) })
      const code = await this.#store(zip, bundle)
      return await this.#options.catalog.inTurn('function', name, () => this.#put(this.#changed(now(), { ...changes, code })))
    }
    return await this.#inTurn('deployments', name, update, zip.length)
  }

  async updateConfiguration(order: Parameters<Deployments['updateConfiguration']>[0]): Promise<FunctionRecord> {
    const { name, settings, revisionId } = order
    checkSettings(settings)
    return await this.#inTurn('deployments', name, async (asked) => {
      const before = this.#still(asked, revisionId)
      const { urlAuth, ...given } = settings
      const changes: Partial<FunctionVersion> = Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined)
      )
      if (changes.environment !== undefined) changes.environment = { ...changes.environment }
      const { handler, layers } = { ...before.latest, ...changes }
      const rebuilt = handler !== before.latest.handler || !sameLayers(layers, before.latest.layers)
      if (rebuilt) {
        const zip = await this.zipOf(before.latest.code)
        changes.code = await this.#store(zip, await this.#build(zip, handler, layers ?? []))
      }
      return await this.#options.catalog.inTurn('function', name, () => {
        const current = this.#still(before, revisionId)
        const now =
          changes.handler === undefined && changes.layers === undefined ? current : mustBeBuiltAs(current, before.latest, rebuilt)
        // The function URL is not part of a version: instances of it stay warm when only the URL changes.
        const onlyUrl = urlAuth !== undefined && Object.keys(changes).length === 0
        const record = onlyUrl ? now : this.#changed(now, changes)
        return this.#put(withUrl(record, urlAuth, this.#options.clock.now()))
      })
    })
  }

  async change(name: string, edit: (record: FunctionRecord) => FunctionRecord): Promise<FunctionRecord> {
    return await this.#change(name, undefined, async (record) => await this.#put(edit(record)))
  }

  async publish(order: Parameters<Deployments['publish']>[0]): ReturnType<Deployments['publish']> {
    const { name, zipSha256, description, revisionId } = order
    return await this.#change(name, revisionId, async (before) => {
      const { latest } = before
      if (zipSha256 !== undefined && zipSha256 !== latest.code.zipSha256)
        throw new PeerlessError(
          'INVALID_ARGUMENT',
          `CodeSHA256 (${zipSha256.slice(0, 100)}) is different from current CodeSHA256 in $LATEST (${latest.code.zipSha256}). Please try again with the CodeSHA256 in $LATEST.`
        )
      const { catalog, random, clock } = this.#options
      const last = before.lastVersion ?? 0
      const previous = last === 0 ? undefined : catalog.get('version', `${name}:${last}`)?.version
      if (previous !== undefined && isSame(previous, latest)) return { record: before, version: previous, fresh: false }
      const version: FunctionVersion = {
        ...latest,
        version: String(last + 1),
        revisionId: random.uuid(),
        description: description ?? latest.description,
        modifiedAt: clock.now()
      }
      // Both at once, the version first: who sees the record's number finds the version, and nothing comes between what was read and what is written.
      const numbered = catalog.put('version', `${name}:${last + 1}`, { functionName: name, account: before.account, version })
      // AWS gives $LATEST a new revision id with each version. Instances are named by it, so here they stay warm instead.
      const [record] = await Promise.all([this.#put({ ...before, lastVersion: last + 1 }), numbered])
      return { record, version, fresh: true }
    })
  }

  async removeVersion(name: string, version: string): Promise<void> {
    await this.#change(name, undefined, async (before) => {
      const pointed = Object.values(before.aliases ?? {}).filter(
        (alias) => alias.version === version || alias.second?.version === version
      )
      if (pointed.length > 0)
        throw new PeerlessError(
          'CONFLICT',
          `version ${version} of '${name}' is pointed to by alias ${pointed.map((alias) => alias.name).join(', ')}; point it elsewhere first`
        )
      const qualifiers = { ...before.qualifiers }
      delete qualifiers[version]
      await Promise.all([this.#options.catalog.remove('version', `${name}:${version}`), this.#put({ ...before, qualifiers })])
    })
  }

  async remove(name: string): Promise<void> {
    await this.#change(name, undefined, async ({ account, lastVersion = 0 }) => {
      const { catalog } = this.#options
      // All at once: a turn has its end, and the name may be taken anew after it.
      const versions = Array.from({ length: lastVersion }, (_, index) => `${name}:${index + 1}`)
      await Promise.all([catalog.remove('function', name), ...versions.map((version) => catalog.remove('version', version))])
      this.#logger.info('function removed', { function: name, account })
    })
  }

  async storeZip(zip: Uint8Array): Promise<StoredCode> {
    checkZip(zip)
    await this.#options.checkZip(zip)
    const zipCid = await this.#options.store.write(zip)
    return { zipCid, zipBytes: zip.length, zipSha256: (await sha256Of(zip)).toString('base64') }
  }

  async zipOf({ zipCid, zipBytes }: Pick<StoredCode, 'zipCid' | 'zipBytes'>): Promise<Uint8Array> {
    const { store, fetch } = this.#options
    return (await readHealthy(store, zipCid)) ?? (await fetch(zipCid, { bytes: zipBytes, timeoutMs: ZIP_FETCH_MS_MAX }))
  }

  /**
   * A change of a function that is there.
   * @param task is told the record as it was when the change was asked for: by its turn the name may be another function's
   * @throws NOT_FOUND, THROTTLED
   */
  async #inTurn<Result>(work: Work, name: string, task: (asked: FunctionRecord) => Promise<Result>, bytes = 0): Promise<Result> {
    const asked = this.#current(name, undefined)
    return await this.#turns.run(work, asked.account, name, () => task(asked), bytes)
  }

  /** One that is made in a moment, in its turn over the mesh. @throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT, THROTTLED */
  async #change<Result>(
    name: string,
    revisionId: string | undefined,
    task: (record: FunctionRecord) => Promise<Result>
  ): Promise<Result> {
    return await this.#inTurn('changes', name, (asked) =>
      this.#options.catalog.inTurn('function', name, () => task(this.#still(asked, revisionId)))
    )
  }

  async #build(zip: Uint8Array, handler: string, uses: readonly LayerUse[]): Promise<Uint8Array> {
    const layers: Uint8Array[] = []
    for (const use of uses) layers.push(await this.#layerZip(use))
    const { bytes } = await this.#inTime(this.#options.build({ zip, handler, layers }))
    if (bytes.length > 0 && bytes.length <= LIMITS.bundleBytesMax) return bytes
    throw new PeerlessError('TOO_LARGE', `the bundle has ${bytes.length} bytes, it must have 1 to ${LIMITS.bundleBytesMax}`)
  }

  async #layerZip({ arn, zipCid, zipBytes }: LayerUse): Promise<Uint8Array> {
    if (zipCid !== undefined) return await this.zipOf({ zipCid, zipBytes })
    const name = /:layer:([^:]+:[^:]+)$/.exec(arn)?.[1] ?? ''
    const layer = this.#options.catalog.get('layerVersion', name)
    if (layer === undefined) throw new PeerlessError('INVALID_ARGUMENT', `Layer version ${arn.slice(0, 200)} does not exist.`)
    return await this.zipOf(layer)
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
        'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id'
      )
    }
    return record
  }

  /** The record after a wait: that of the same function, whoever else has changed it. @throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT */
  #still({ name, account, createdAt }: FunctionRecord, revisionId: string | undefined): FunctionRecord {
    const now = this.#current(name, revisionId)
    // Whoever was let change the one may have no right to the other.
    if (now.account === account && now.createdAt === createdAt) return now
    throw new PeerlessError('CONFLICT', `function '${name}' was removed and made anew meanwhile; try again`)
  }

  #changed(record: FunctionRecord, changes: Partial<FunctionVersion>): FunctionRecord {
    const { random, clock } = this.#options
    const latest = { ...record.latest, ...changes, revisionId: random.uuid(), modifiedAt: clock.now() }
    return { ...record, latest: settled(latest) }
  }

  async #put(record: FunctionRecord): Promise<FunctionRecord> {
    const { catalog } = this.#options
    await catalog.put('function', record.name, record)
    const { revisionId, code } = record.latest
    this.#logger.info('function deployed', { function: record.name, account: record.account, revisionId, cid: code.bundleCid })
    return record
  }
}

/**
 * The record as it is after a build: another node may have written meanwhile, and all of that is kept but what the build was made of.
 * @throws CONFLICT
 */
function mustBeBuiltAs(
  now: FunctionRecord,
  before: Pick<FunctionVersion, 'handler' | 'layers'> & { readonly code?: CodeReference },
  ofCode = false
): FunctionRecord {
  const { handler, layers, code } = now.latest
  const same = handler === before.handler && sameLayers(layers, before.layers)
  if (same && (!ofCode || code.zipCid === before.code?.zipCid)) return now
  throw new PeerlessError('CONFLICT', `function '${now.name}' was changed at another node meanwhile; try again`)
}

/** @param nameOf stores the bytes, or not, and says their CID */
async function codeOf(
  zip: Uint8Array,
  bundle: Uint8Array,
  nameOf: (bytes: Uint8Array) => Promise<string>
): Promise<CodeReference> {
  const [zipCid, bundleCid, hash] = await Promise.all([nameOf(zip), nameOf(bundle), sha256Of(zip)])
  return { zipCid, zipBytes: zip.length, zipSha256: hash.toString('base64'), bundleCid, bundleBytes: bundle.length }
}

/** Without what was set empty, which means none. */
function settled(version: FunctionVersion): FunctionVersion {
  const { deadLetterTarget, layers, ...rest } = version
  return {
    ...rest,
    ...(deadLetterTarget === undefined || deadLetterTarget === '' ? {} : { deadLetterTarget }),
    ...(layers === undefined || layers.length === 0 ? {} : { layers: layers.map((layer) => ({ ...layer })) })
  }
}

function sameLayers(a: readonly LayerUse[] | undefined, b: readonly LayerUse[] | undefined): boolean {
  const arns = (layers: readonly LayerUse[] = []) => layers.map(({ arn }) => arn).join(' ')
  return arns(a) === arns(b)
}

/**
 * Nothing to publish: as recorded, neither code nor configuration has changed. A version may have been given a description of its own; that
 * of `$LATEST` counts once it was changed after that.
 */
function isSame(published: FunctionVersion, latest: FunctionVersion): boolean {
  if (contentOf(published) !== contentOf(latest)) return false
  return published.description === latest.description || latest.modifiedAt <= published.modifiedAt
}

/** What makes two versions different: everything but names, times and the description. */
function contentOf(version: FunctionVersion): string {
  const { version: _number, revisionId: _revision, modifiedAt: _time, description: _text, ...content } = version
  return JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  )
}

/** The function's own URL: made, changed in its auth type, or taken away by null. */
function withUrl(record: FunctionRecord, auth: UrlAuth | null | undefined, now: number): FunctionRecord {
  if (auth === undefined) return record
  const { url, ...others } = settingsOf(record, LATEST)
  const changed: QualifierSettings = { ...others }
  if (auth !== null) {
    const { createdAt = now, invokeMode = 'BUFFERED', cors } = url ?? {}
    changed.url = { auth, invokeMode, ...(cors === undefined ? {} : { cors }), createdAt, modifiedAt: now }
  }
  return { ...record, qualifiers: { ...record.qualifiers, [LATEST]: changed } }
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
