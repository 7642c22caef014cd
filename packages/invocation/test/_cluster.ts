import type {
  Catalog,
  Clock,
  FunctionRecord,
  FunctionVersion,
  InstanceStatus,
  Invocation,
  InvokeOrder,
  Ledger,
  Mesh,
  Outcome,
  Ran,
  Receipt,
  ResolvedFunction
} from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import { createInvocation, type InvocationService, type LocalInstances } from '../src/index.ts'

/** Instances whose calls the test ends itself. */
export class ScriptedInstances implements LocalInstances {
  slots: number
  readonly node: string
  readonly running: { invocation: Invocation; done: (outcome: Outcome) => void }[] = []
  readonly #idle = new Map<string, number>()
  /** Revisions of which an instance was to be started beside the calls. */
  readonly missed: string[] = []
  readonly warm = { missed: (of: { version: FunctionVersion }): void => void this.missed.push(of.version.revisionId) }

  constructor(node: string, slots: number) {
    this.node = node
    this.slots = slots
  }

  get busy(): number {
    return this.running.length
  }

  idle(): ReadonlyMap<string, number> {
    return this.#idle
  }

  hasIdle(revisionId: string): boolean {
    return this.#idle.has(revisionId)
  }

  latencyMs(): number {
    return 1
  }

  startMs(): number | undefined {
    return undefined
  }

  list(): InstanceStatus[] {
    return this.running.map(({ invocation }, index) => ({
      instance: `${this.node}-${index}`,
      function: invocation.functionName,
      version: invocation.version.version,
      revisionId: invocation.version.revisionId,
      state: 'busy',
      executor: 1,
      calls: 1,
      errors: 0,
      lastUsedAt: 0
    }))
  }

  start(invocation: Invocation, done: (outcome: Outcome) => void): void {
    if (this.busy >= this.slots) {
      done({ status: 'refused', code: 'BUSY', message: 'no slot', retryAfterMs: 0 })
      return
    }
    const { revisionId } = invocation.version
    const idle = this.#idle.get(revisionId) ?? 0
    if (idle > 1) this.#idle.set(revisionId, idle - 1)
    else this.#idle.delete(revisionId)
    this.running.push({ invocation, done })
  }

  /** Ends the oldest call. */
  finish(outcome: Partial<Ran> = {}, durationMs = 5): void {
    const call = this.running.shift()
    if (call === undefined) throw new Error(`nothing runs at ${this.node}`)
    const { revisionId } = call.invocation.version
    this.#idle.set(revisionId, (this.#idle.get(revisionId) ?? 0) + 1)
    call.done({
      status: 'ok',
      payload: call.invocation.payload,
      http: undefined,
      usage: {
        node: this.node,
        instance: `${this.node}-1`,
        durationMs,
        initMs: undefined,
        cpuMs: 1,
        memoryMb: 128,
        memoryUsedMb: 8,
        cold: false
      },
      logTail: undefined,
      ...outcome
    })
  }
}

class CollectingLedger implements Pick<Ledger, 'record'> {
  readonly receipts: Receipt[] = []
  record(receipt: Receipt): void {
    this.receipts.push(receipt)
  }
}

export interface Node {
  id: string
  mesh: Mesh
  instances: ScriptedInstances
  receipts: Receipt[]
  service: InvocationService
  logger: MemoryLogger
}

export interface Cluster {
  clock: VirtualClock
  network: MemoryNetwork
  nodes: Node[]
  target: ResolvedFunction
  order(over?: Partial<InvokeOrder>): InvokeOrder
  stop(): void
}

export const RECORD: FunctionRecord = {
  name: 'hello',
  account: 'ada',
  createdAt: 0,

  latest: {
    version: '$LATEST',
    revisionId: 'rev-1',
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    role: '',
    description: '',
    memoryMb: 128,
    timeoutSeconds: 3,
    environment: {},
    code: { zipCid: 'z', zipBytes: 1, zipSha256: '', bundleCid: 'b', bundleBytes: 1 },
    modifiedAt: 0
  }
}

/** Nodes n0, n1, … joined in memory, each with its slots, after they have told each other their load. */
export async function cluster(
  slots: number[],
  records: (node: number) => FunctionRecord | undefined = () => RECORD,
  wallOffMs: (node: number) => number = () => 0
): Promise<Cluster> {
  const clock = new VirtualClock()
  const random = new SeededRandom(42)
  const network = new MemoryNetwork(random)
  const nodes = slots.map((count, index): Node => {
    const id = `n${index}`
    const mesh = network.join(id)
    const instances = new ScriptedInstances(id, count)
    const ledger = new CollectingLedger()
    const logger = new MemoryLogger()
    const list = () => [records(index)].filter((record) => record !== undefined)
    const catalog = { get: () => records(index), list, onChange: () => () => undefined } as unknown as Catalog
    const own: Clock = {
      now: () => clock.now() + wallOffMs(index),
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => clock.after(delayMs, run),
      every: (periodMs, run) => clock.every(periodMs, run)
    }
    const service = createInvocation({
      mesh,
      catalog,
      instances,
      ledger: ledger as unknown as Ledger,
      clock: own,
      random,
      logger
    })
    service.start()
    return { id, mesh, instances, receipts: ledger.receipts, service, logger }
  })
  await settle()
  const target = { record: RECORD, version: RECORD.latest }
  return {
    clock,
    network,
    nodes,
    target,
    order: (over = {}) => ({
      requestId: random.uuid(),
      kind: 'event',
      target,
      payload: Buffer.from('{"a":1}'),
      logTail: false,
      clientContext: undefined,
      invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
      ...over
    }),
    stop: () => {
      for (const node of nodes) node.service.stop()
    }
  }
}

export { settle }
