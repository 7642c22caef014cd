import { createHash } from 'node:crypto'
import {
  type AccessKey,
  type Catalog,
  type CatalogKind,
  type CatalogKinds,
  chargeOf,
  type Deployments,
  type FunctionRecord,
  type FunctionSettings,
  type HttpHead,
  type InvokeAnswer,
  type InvokeOrder,
  type KeyRole,
  LIMITS,
  type LogLine,
  type LogReader,
  type MeshStatus,
  PeerlessError,
  type Ran,
  type StatementLine,
  TARIFF_DEFAULT
} from '@peerless/interface'
import { MemoryLogger, realClock, SeededRandom, VirtualClock } from '@peerless/testing'
import type { ExecutionContext } from 'ava'
import { type AccessKeys, createGateway, type Gateway, type GatewayOptions } from '../src/index.ts'

/** Small implementations of the ports in memory, with the rules that the gateway relies on. */

export const NODE_ID = '12D3KooWTestNode'

export class MemoryCatalog implements Catalog {
  readonly #values = new Map<string, unknown>()

  get<Kind extends CatalogKind>(kind: Kind, name: string): CatalogKinds[Kind] | undefined {
    return this.#values.get(`${kind}/${name}`) as CatalogKinds[Kind] | undefined
  }

  list<Kind extends CatalogKind>(kind: Kind): CatalogKinds[Kind][] {
    const names = [...this.#values.keys()].filter((key) => key.startsWith(`${kind}/`)).sort()
    return names.map((key) => this.#values.get(key) as CatalogKinds[Kind])
  }

  async put<Kind extends CatalogKind>(kind: Kind, name: string, value: CatalogKinds[Kind]): Promise<void> {
    this.#values.set(`${kind}/${name}`, value)
  }

  async remove(kind: CatalogKind, name: string): Promise<boolean> {
    return this.#values.delete(`${kind}/${name}`)
  }

  onChange(): () => void {
    return () => undefined
  }
}

export function recordOf(
  name: string,
  overrides: Partial<FunctionRecord> = {},
  zip: Uint8Array = Buffer.from('zip')
): FunctionRecord {
  return {
    name,
    account: 'team',
    createdAt: 1_700_000_000_000,
    urlAuth: 'NONE',
    latest: {
      version: '$LATEST',
      revisionId: `revision-of-${name}`,
      handler: 'index.handler',
      runtime: 'nodejs26.x',
      role: 'arn:aws:iam::000000000000:role/any',
      description: '',
      memoryMb: 128,
      timeoutSeconds: 3,
      environment: {},
      code: {
        zipCid: `cid-${createHash('sha256').update(zip).digest('hex')}`,
        zipBytes: zip.length,
        zipSha256: createHash('sha256').update(zip).digest('base64'),
        bundleCid: 'bundle',
        bundleBytes: 1
      },
      modifiedAt: 1_700_000_000_000
    },
    ...overrides
  }
}

/** Keeps zips as they are; checks what the contract says and nothing else. */
export class MemoryDeployments implements Deployments {
  readonly zips = new Map<string, Uint8Array>()
  readonly #catalog: Catalog
  #revision = 0

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  async create(order: Parameters<Deployments['create']>[0]): Promise<FunctionRecord> {
    if (this.#catalog.get('function', order.name) !== undefined)
      throw new PeerlessError('CONFLICT', `Function already exist: ${order.name}`)
    if (order.zip[0] !== 0x50) throw new PeerlessError('INVALID_ZIP', 'Could not unzip uploaded file.')
    const fresh = recordOf(order.name, { account: order.account, urlAuth: undefined }, order.zip)
    return await this.#store(this.#changed(fresh, order.settings), order.zip)
  }

  async updateCode(order: Parameters<Deployments['updateCode']>[0]): Promise<FunctionRecord> {
    const record = this.#current(order.name, order.revisionId)
    const changed = this.#changed({ ...record, latest: { ...record.latest, code: recordOf('x', {}, order.zip).latest.code } }, {})
    return order.dryRun === true ? changed : await this.#store(changed, order.zip)
  }

  async updateConfiguration(order: Parameters<Deployments['updateConfiguration']>[0]): Promise<FunctionRecord> {
    return await this.#store(this.#changed(this.#current(order.name, order.revisionId), order.settings), undefined)
  }

  async remove(name: string): Promise<void> {
    if (!(await this.#catalog.remove('function', name))) throw new PeerlessError('NOT_FOUND', `no function '${name}'`)
  }

  async zipOf(record: FunctionRecord): Promise<Uint8Array> {
    const zip = this.zips.get(record.latest.code.zipCid)
    if (zip === undefined) throw new PeerlessError('NOT_REPLICATED', `no node has ${record.latest.code.zipCid}`)
    return zip
  }

  #current(name: string, revisionId: string | undefined): FunctionRecord {
    const record = this.#catalog.get('function', name)
    if (record === undefined) throw new PeerlessError('NOT_FOUND', `no function '${name}'`)
    if (revisionId !== undefined && revisionId !== record.latest.revisionId)
      throw new PeerlessError('PRECONDITION_FAILED', 'The Revision Id provided does not match the latest Revision Id.')
    return record
  }

  #changed(record: FunctionRecord, settings: FunctionSettings): FunctionRecord {
    const { latest } = record
    return {
      ...record,
      urlAuth: settings.urlAuth === undefined ? record.urlAuth : (settings.urlAuth ?? undefined),
      latest: {
        ...latest,
        revisionId: `revision-${++this.#revision}`,
        handler: settings.handler ?? latest.handler,
        runtime: settings.runtime ?? latest.runtime,
        role: settings.role ?? latest.role,
        description: settings.description ?? latest.description,
        memoryMb: settings.memoryMb ?? latest.memoryMb,
        timeoutSeconds: settings.timeoutSeconds ?? latest.timeoutSeconds,
        environment: settings.environment ?? latest.environment
      }
    }
  }

  async #store(record: FunctionRecord, zip: Uint8Array | undefined): Promise<FunctionRecord> {
    if (zip !== undefined) this.zips.set(record.latest.code.zipCid, zip)
    await this.#catalog.put('function', record.name, record)
    return record
  }
}

export class MemoryKeys implements AccessKeys {
  readonly #keys = new Map<string, AccessKey>()

  async create(order: { role: KeyRole; account: string }): Promise<AccessKey> {
    const number = this.#keys.size + 1
    const key: AccessKey = {
      accessKeyId: `PLKEY${String(number).padStart(11, '0')}`,
      secretAccessKey: `secret-${number}-${'x'.repeat(30)}`,
      role: order.role,
      account: order.account,
      createdAt: 0
    }
    this.#keys.set(key.accessKeyId, key)
    return key
  }

  list(): AccessKey[] {
    return [...this.#keys.values()]
  }

  async revoke(accessKeyId: string): Promise<boolean> {
    return this.#keys.delete(accessKeyId)
  }

  get(accessKeyId: string): AccessKey | undefined {
    return this.#keys.get(accessKeyId)
  }
}

export function ran(payload: string | Uint8Array, overrides: Partial<Ran> = {}): Ran {
  return {
    status: 'ok',
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    http: undefined,
    usage: {
      node: NODE_ID,
      instance: 'i-1',
      durationMs: 1.25,
      initMs: undefined,
      cpuMs: undefined,
      memoryMb: 128,
      memoryUsedMb: 20,
      cold: false
    },
    logTail: undefined,
    ...overrides
  }
}

export function ranHttp(statusCode: number, headers: string[], payload: string | Uint8Array = ''): Ran {
  const http: HttpHead = { statusCode, headers }
  return ran(payload, { http })
}

export type Behaviour = (order: InvokeOrder) => Ran | Promise<Ran>

/** Answers with the event it was given. */
export const echo: Behaviour = (order) => {
  if (order.kind === 'http') return ranHttp(200, ['content-type', 'application/json'], order.payload)
  return ran(order.payload.length === 0 ? '{}' : order.payload)
}

export interface Fixture {
  gateway: Gateway
  url: string
  host: string
  port: number
  catalog: MemoryCatalog
  deployments: MemoryDeployments
  keys: MemoryKeys
  orders: InvokeOrder[]
  logger: MemoryLogger
  clock: VirtualClock
  admin: AccessKey
  deployer: AccessKey
  invoker: AccessKey
  stranger: AccessKey
  behave(behaviour: Behaviour): void
  setReady(reason: string | undefined): void
}

export interface FixtureOptions {
  limits?: GatewayOptions['limits']
  statement?: () => AsyncIterable<StatementLine>
  logs?: LogReader
  /** The machine's clock instead of a virtual one: for clients that sign with it. */
  real?: boolean
}

/** A gateway that listens on loopback; closed when the test ends. */
export async function start(t: ExecutionContext, options: FixtureOptions = {}): Promise<Fixture> {
  const catalog = new MemoryCatalog()
  const deployments = new MemoryDeployments(catalog)
  const keys = new MemoryKeys()
  const logger = new MemoryLogger()
  const clock = new VirtualClock()
  const orders: InvokeOrder[] = []
  let behaviour = echo
  let unready: string | undefined
  const mesh: MeshStatus = {
    peerId: NODE_ID,
    meshId: 'mesh-1',
    peers: () => [
      {
        peerId: NODE_ID,
        name: 'one',
        self: true,
        status: 'connected',
        addresses: [],
        rttMs: 0,
        slots: 4,
        inFlight: 0,
        version: '0'
      }
    ],
    node: () => ({
      peerId: NODE_ID,
      name: 'one',
      mesh: 'mesh-1',
      account: 'operator',
      version: '0',
      node: 'v26',
      v8: '14',
      isolatedVm: '7',
      addresses: [],
      slots: 4,
      busy: 0,
      instances: [],
      isolation: []
    }),
    invite: async (order) => ({ token: `${order.role}:${order.ttlMs}:${order.uses}` }),
    unready: () => unready
  }
  const invoke = async (order: InvokeOrder): Promise<InvokeAnswer> => {
    orders.push(order)
    const outcome = await behaviour(order)
    return { outcome, attempt: 1, charge: chargeOf(outcome.usage.durationMs, outcome.usage.memoryMb, TARIFF_DEFAULT) }
  }
  const gateway = createGateway({
    invoker: {
      invoke,
      begin: (order, done) => {
        invoke(order).then(
          (answer) => done(undefined, answer),
          (error) => done(error, undefined)
        )
      }
    },
    deployments,
    catalog,
    keys,
    ledger: {
      record: () => undefined,
      balances: async () => [
        { account: 'operator', balance: '138' },
        { account: 'team', balance: '-138' }
      ],
      statement: options.statement ?? (() => lines([])),
      verify: async () => ({ ok: true, lanes: 1, statements: 1, receipts: 1, failure: undefined }),
      flush: async () => undefined
    },
    logs: options.logs ?? { read: () => lines([]) },
    mesh,
    accountId: '000000000000',
    region: 'us-east-1',
    clock: options.real === true ? realClock : clock,
    random: new SeededRandom(1),
    logger,
    ...(options.limits === undefined ? {} : { limits: options.limits })
  })
  const { host, port } = await gateway.listen('127.0.0.1', 0)
  t.teardown(async () => {
    const closed = gateway.close(0)
    // The grace is a timer of the virtual clock.
    await clock.advance(1)
    await closed
  })
  const [admin, deployer, invoker, stranger] = [
    await keys.create({ role: 'admin', account: 'operator' }),
    await keys.create({ role: 'deployer', account: 'team' }),
    await keys.create({ role: 'invoker', account: 'team' }),
    await keys.create({ role: 'deployer', account: 'other' })
  ]
  await catalog.put('function', 'hello', recordOf('hello'))
  return {
    gateway,
    url: `http://${host}:${port}`,
    host,
    port,
    catalog,
    deployments,
    keys,
    orders,
    logger,
    clock,
    admin,
    deployer,
    invoker,
    stranger,
    behave: (next) => {
      behaviour = next
    },
    setReady: (reason) => {
      unready = reason
    }
  }
}

export async function* lines<Item>(items: Item[]): AsyncGenerator<Item> {
  for (const item of items) yield item
}

export function logLine(message: string): LogLine {
  return { time: 1, level: 'info', message, function: 'hello', version: '$LATEST', requestId: 'r', instance: 'i', node: NODE_ID }
}

export const ZIP = Buffer.from('PK\u0003\u0004 a zip as far as the gateway knows')
export { LIMITS }
