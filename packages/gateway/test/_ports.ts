import { createHash } from 'node:crypto'
import { createDeployments } from '@peerless/catalog'
import {
  type AccessKey,
  type Catalog,
  type CatalogKind,
  type CatalogKinds,
  type Clock,
  chargeOf,
  type Deployments,
  type FunctionRecord,
  type HttpHead,
  type InvokeAnswer,
  type InvokeOrder,
  type KeyRole,
  type LeavePlan,
  LIMITS,
  type LogLine,
  type LogReader,
  type MeshStatus,
  PeerlessError,
  type Ran,
  type StatementLine,
  TARIFF_DEFAULT,
  type UrlAuth
} from '@peerless/interface'
import { MemoryLogger, realClock, SeededRandom, VirtualClock } from '@peerless/testing'
import type { ExecutionContext } from 'ava'
import { type AccessKeys, createGateway, type Gateway, type GatewayOptions } from '../src/index.ts'

/** Small implementations of the ports in memory, with the rules that the gateway relies on. */

export const NODE_ID = '12D3KooWTestNode'

export class MemoryCatalog implements Catalog {
  readonly #values = new Map<string, unknown>()
  readonly #listeners = new Set<(kind: CatalogKind, name: string) => void>()
  readonly #turns = new Map<string, Promise<unknown>>()

  get<Kind extends CatalogKind>(kind: Kind, name: string): CatalogKinds[Kind] | undefined {
    return this.#values.get(`${kind}/${name}`) as CatalogKinds[Kind] | undefined
  }

  list<Kind extends CatalogKind>(kind: Kind): CatalogKinds[Kind][] {
    const names = [...this.#values.keys()].filter((key) => key.startsWith(`${kind}/`)).sort()
    return names.map((key) => this.#values.get(key) as CatalogKinds[Kind])
  }

  async put<Kind extends CatalogKind>(kind: Kind, name: string, value: CatalogKinds[Kind]): Promise<void> {
    this.#values.set(`${kind}/${name}`, value)
    for (const listener of this.#listeners) listener(kind, name)
  }

  async remove(kind: CatalogKind, name: string): Promise<boolean> {
    return this.#values.delete(`${kind}/${name}`)
  }

  inTurn<Result>(kind: CatalogKind, name: string, task: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(`${kind}/${name}`) ?? Promise.resolve()).then(task, task)
    this.#turns.set(`${kind}/${name}`, turn)
    return turn
  }

  onChange(listener: (kind: CatalogKind, name: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** A function URL of its own. */
export function urlOf(auth: UrlAuth): FunctionRecord['qualifiers'] {
  return { $LATEST: { url: { auth, invokeMode: 'BUFFERED', createdAt: 1_700_000_000_000, modifiedAt: 1_700_000_000_000 } } }
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
    qualifiers: urlOf('NONE'),
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

/** The real deployments over memory; what makes bundles takes everything that looks like a zip. */
export function memoryDeployments(catalog: Catalog, clock: Clock, zips: Map<string, Uint8Array>): Deployments {
  const checked = async (zip: Uint8Array) => {
    if (zip[0] !== 0x50) throw new PeerlessError('INVALID_ZIP', 'Could not unzip uploaded file.')
  }
  return createDeployments({
    catalog,
    store: {
      has: (cid) => zips.has(cid),
      read: async (cid) => zips.get(cid),
      write: async (bytes) => {
        const cid = `cid-${createHash('sha256').update(bytes).digest('hex')}`
        zips.set(cid, bytes)
        return cid
      },
      remove: async (cid) => {
        zips.delete(cid)
      }
    },
    fetch: (cid) => Promise.reject(new PeerlessError('NOT_REPLICATED', `no node has ${cid}`)),
    build: async ({ zip }) => {
      await checked(zip)
      return { bytes: Buffer.from('bundle') }
    },
    checkZip: checked,
    clock,
    random: new SeededRandom(7),
    logger: new MemoryLogger()
  })
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
  if (order.kind === 'http') return ranHttp(200, ['content-type', 'application/json'], JSON.stringify(givenEvent(order)))
  return ran(order.payload.length === 0 ? '{}' : order.payload)
}

export interface Fixture {
  gateway: Gateway
  url: string
  host: string
  port: number
  catalog: MemoryCatalog
  /** By CID. */
  zips: Map<string, Uint8Array>
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
  /** Where the first front listens aside. */
  firstFrontPort?: number
}

function planOf(successor: string | null | undefined): LeavePlan {
  const two = { peerId: 'two', name: successor ?? 'two' }
  return {
    peerId: NODE_ID,
    name: 'one',
    mesh: 'mesh-1',
    members: 1,
    connected: 1,
    letIn: 1,
    head: true,
    successor: successor === null ? null : two,
    candidates: [{ ...two, connected: true }],
    events: 0,
    deadLetters: 0,
    owing: []
  }
}

/** A gateway that listens on loopback; closed when the test ends. */
export async function start(t: ExecutionContext, options: FixtureOptions = {}): Promise<Fixture> {
  const catalog = new MemoryCatalog()
  const zips = new Map<string, Uint8Array>()
  const keys = new MemoryKeys()
  const logger = new MemoryLogger()
  const clock = new VirtualClock()
  const used = options.real === true ? realClock : clock
  const deployments = memoryDeployments(catalog, used, zips)
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
        clockOffsetMs: 0,
        slots: 4,
        inFlight: 0,
        machine: NODE_ID,
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
    leavePlan: async ({ successor }) => planOf(successor),
    leave: async ({ successor }) => ({
      peerId: NODE_ID,
      successor: planOf(successor).successor,
      told: ['two'],
      untold: [],
      owing: []
    }),
    setDraining: (draining) => ({ draining, inFlight: 0, takers: 2 }),
    remove: async (node, withInvited) => ({ removed: withInvited ? [node, `${node}'s`] : [node] }),
    invite: async ({ role, ttlMs, uses, account }) => ({
      token: [role, ttlMs, uses, ...(account === undefined ? [] : [account])].join(':')
    }),
    redeem: async (token) => {
      const [role, , , account] = token.split(':')
      if (role === 'deployer' || role === 'invoker') return { role, account }
      throw new PeerlessError('INVALID_INVITE', 'the invite token is forged')
    },
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
      settled: async () => undefined,
      balances: async () => [
        { account: 'operator', balance: '138' },
        { account: 'team', balance: '-138' }
      ],
      stats: async () => ({
        lanes: 1,
        shown: 2,
        receipts: 3,
        pendingCallers: 0,
        forks: 0,
        frozen: 0,
        itemisedFrom: 0,
        bytes: 4_096,
        lost: 0
      }),
      statement: options.statement ?? (() => lines([])),
      verify: async () => ({
        ok: true,
        lanes: 1,
        statements: 1,
        receipts: 1,
        repeated: 0,
        pruned: 0,
        itemisedFrom: 0,
        failure: undefined
      }),
      flush: async () => undefined
    },
    logs: options.logs ?? { read: () => lines([]) },
    mesh,
    accountId: '000000000000',
    region: 'us-east-1',
    clock: used,
    random: new SeededRandom(1),
    logger,
    ...(options.firstFrontPort === undefined ? {} : { firstFrontPort: options.firstFrontPort }),
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
    zips,
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

/** The event of a call as the function gets it: with the body that came behind it. */
export function givenEvent({ payload, body }: Pick<InvokeOrder, 'payload' | 'body'>): Record<string, unknown> & {
  headers: Record<string, string>
} {
  const bytes = Buffer.from(payload)
  if (body === undefined) return JSON.parse(bytes.toString())
  const start = bytes.length - body.bytes
  const event = JSON.parse(bytes.toString('utf8', 0, start))
  if (event.body !== '' || event.isBase64Encoded !== body.base64) throw new Error(`a body beside ${JSON.stringify(event)}`)
  return { ...event, body: bytes.toString(body.base64 ? 'base64' : 'utf8', start) }
}
