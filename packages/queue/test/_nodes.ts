import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FunctionRecord,
  type InvokeAnswer,
  type InvokeOrder,
  type OnAnswer,
  PeerlessError,
  type ResolvedFunction
} from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, type VirtualClock } from '@peerless/testing'
import type { ExecutionContext } from 'ava'
import type { EventPolicy } from '../src/destinations.ts'
import type { Disk, DiskQuestion, DiskQuestions } from '../src/disk.ts'
import type { QueueOptions } from '../src/options.ts'
import { Queue } from '../src/queue.ts'
import type { ServiceAnswer, ServiceRequest } from '../src/service-request.ts'
import { QueueStore, type StoreOp } from '../src/store.ts'

/** The real database in this thread. A commit ends on the next turn; a crash in between may or may not have written it. */
export class InlineDisk implements Disk {
  readonly #store: QueueStore
  #crashed = false
  #closed = false
  /** Refuses commits, as a full disk does. */
  full = false
  /** Gives no payload, as a bad sector does. */
  unreadable = false
  /** What a payload is waited for, where a disk is slow. */
  slow: Promise<void> | undefined

  constructor(directory: string) {
    this.#store = new QueueStore(directory)
  }

  commit(ops: readonly StoreOp[], done: (error: Error | undefined) => void): void {
    setImmediate(() => {
      if (this.#crashed) return
      if (this.full || this.#closed) {
        done(new Error(this.full ? 'disk full' : 'the disk is closed'))
        return
      }
      this.#store.commit(ops)
      setImmediate(() => !this.#crashed && done(undefined))
    })
  }

  async ask<Question extends DiskQuestion>(
    question: Question,
    ...values: DiskQuestions[Question]['in']
  ): Promise<DiskQuestions[Question]['out']> {
    if (this.#crashed) return await new Promise(() => undefined)
    if (question === 'payload') await this.slow
    if (question === 'payload' && this.unreadable) throw new Error('disk I/O error')
    return (this.#store[question] as (...values: unknown[]) => unknown).apply(
      this.#store,
      values
    ) as DiskQuestions[Question]['out']
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#store.close()
  }

  crash(): void {
    this.#crashed = true
    this.#store.close()
  }
}

export interface Run {
  readonly node: string
  readonly order: InvokeOrder
  /** Ends the attempt. */
  readonly done: OnAnswer
}

export interface TestNode {
  readonly name: string
  readonly queue: Queue
  readonly disk: InlineDisk
  readonly logger: MemoryLogger
}

/** Nodes in one process, over a memory network and a virtual clock, with their databases on the real disk. */
export class TestMesh {
  readonly network: MemoryNetwork
  readonly random: SeededRandom
  readonly clock: VirtualClock
  /** How long machines were suspended: their wall clocks are ahead by it. */
  suspendedMs = 0
  /** Processes that stand still, and their timers that have become due since, in that order. */
  readonly #stopped = new Map<string, Set<() => void>>()
  readonly nodes = new Map<string, TestNode>()
  /** Attempts under way, oldest first. A test ends them itself unless `autoRun` does. */
  readonly runs: Run[] = []
  readonly started: { node: string; id: string; attempt: number; functionName: string; payload: string }[] = []
  /** What a function does at once: an answer, an error, or undefined to leave it running. */
  autoRun: ((run: Run) => InvokeAnswer | PeerlessError | undefined) | undefined
  policy: Partial<EventPolicy> = {}
  policies: Record<string, Partial<EventPolicy>> = {}
  /** Whose function there is of a name, where it is not that of all. */
  accounts: Record<string, string> = {}
  readonly posts: { account: string | undefined; url: string; headers: Readonly<Record<string, string>>; body: string }[] = []
  postStatus = 200
  /** Services that nodes have endpoints of. */
  readonly endpoints: Record<string, string[]> = {}
  readonly sent: { node: string; request: ServiceRequest }[] = []
  serviceAnswer: ServiceAnswer = { status: 200, body: Buffer.from('{"FailedEntryCount":0}') }
  options: Partial<QueueOptions> = {}
  readonly #directory: string

  constructor(t: ExecutionContext, clock: VirtualClock, seed = 1) {
    this.clock = clock
    this.random = new SeededRandom(seed)
    this.network = new MemoryNetwork(this.random)
    this.#directory = mkdtempSync(join(tmpdir(), 'peerless-queue-'))
    t.teardown(async () => {
      for (const { disk } of this.nodes.values()) disk.crash()
      rmSync(this.#directory, { recursive: true, force: true })
    })
  }

  /** A process stands still, as with SIGSTOP. */
  standStill(name: string): void {
    const since = this.clock.monotonic()
    this.#stopped.set(name, new Set())
    this.network.freeze(name, () => this.clock.monotonic() - since)
  }

  /** It goes on, with the timers that are late; its connections are still silent, until `network.thaw`. */
  goOn(name: string): void {
    const late = this.#stopped.get(name) ?? []
    this.#stopped.delete(name)
    for (const run of late) run()
  }

  /** Starts a node, or starts it again on what its disk has. */
  async up(name: string): Promise<TestNode> {
    const mesh = this.network.join(name)
    const disk = new InlineDisk(join(this.#directory, name))
    const logger = new MemoryLogger()
    // A crashed node's timers and callbacks must not act any more.
    let alive = true
    const due = (run: () => void) => {
      const stopped = this.#stopped.get(name)
      if (stopped !== undefined) stopped.add(run)
      else if (alive) run()
    }
    const clock = {
      now: () => this.clock.now() + this.suspendedMs,
      monotonic: () => this.clock.monotonic(),
      after: (ms: number, run: () => void) => this.clock.after(ms, () => due(run)),
      every: (ms: number, run: () => void) => this.clock.every(ms, () => due(run))
    }
    const queue = new Queue({
      mesh,
      clock,
      random: this.random,
      logger,
      disk,
      invoker: {
        invoke: () => Promise.reject(new Error('not used')),
        begin: (order, done) => this.#begin(name, order, (error, answer) => alive && done(error, answer))
      },
      resolve: (functionName) => resolved(functionName, this.accounts[functionName]),
      policy: (functionName) => ({ ...POLICY, ...this.policy, ...this.policies[functionName] }),
      post: async ({ account, url, headers, body }) => {
        this.posts.push({ account, url, headers, body: Buffer.from(body).toString() })
        return this.postStatus
      },
      services: {
        originOf: (service) => (this.endpoints[name]?.includes(service) === true ? `https://${service}.test` : undefined),
        peersWith: (service) => mesh.peers().filter((peer) => this.endpoints[peer]?.includes(service) === true),
        send: async (request) => {
          this.sent.push({ node: name, request })
          return this.serviceAnswer
        }
      },
      region: 'us-east-1',
      accountId: '000000000000',
      ...this.options
    })
    const node = { name, queue, disk, logger, kill: () => (alive = false) }
    this.nodes.set(name, node)
    await queue.start()
    await this.clock.advance(0)
    return node
  }

  /** Ends it as kill -9 does. */
  crash(name: string): void {
    const node = this.nodes.get(name) as TestNode & { kill: () => void }
    node.kill()
    node.disk.crash()
    this.network.leave(name)
    this.nodes.delete(name)
    for (const run of this.runs.filter((run) => run.node === name)) this.runs.splice(this.runs.indexOf(run), 1)
  }

  #begin(node: string, order: InvokeOrder, done: OnAnswer): void {
    const { requestId: id, payload, attempt = 1, target } = order
    const run: Run = { node, order, done }
    this.started.push({ node, id, attempt, functionName: target.record.name, payload: Buffer.from(payload).toString() })
    const answer = this.autoRun?.(run)
    if (answer === undefined) this.runs.push(run)
    else setImmediate(() => (answer instanceof PeerlessError ? done(answer, undefined) : done(undefined, answer)))
  }
}

const POLICY: EventPolicy = {
  retries: 2,
  ageMsMax: 21_600_000,
  onSuccess: undefined,
  onFailure: undefined,
  deadLetter: undefined,
  recursionAllowed: false
}

export function resolved(functionName: string, account = 'default'): ResolvedFunction | undefined {
  if (functionName === 'missing') return undefined
  const version = { version: '$LATEST' } as ResolvedFunction['version']
  return { record: { name: functionName, account, latest: version } as FunctionRecord, version }
}

export function answer(status: 'ok' | 'error', payload = '"done"'): InvokeAnswer {
  const usage = {
    node: 'any',
    instance: 'i',
    durationMs: 1,
    initMs: undefined,
    cpuMs: undefined,
    memoryMb: 128,
    memoryUsedMb: undefined,
    cold: false
  }
  return {
    outcome: { status, payload: Buffer.from(payload), http: undefined, usage, logTail: undefined },
    attempt: 1,
    charge: { billedMs: 100, charge: 1 }
  }
}

export function orderOf(
  id: string,
  options: { functionName?: string; account?: string; qualifier?: string; payload?: string } = {}
) {
  const functionName = options.functionName ?? 'f'
  return {
    requestId: id,
    functionName,
    account: options.account ?? 'default',
    qualifier: options.qualifier,
    payload: Buffer.from(options.payload ?? '{"n":1}'),
    clientContext: undefined,
    invokedArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`
  }
}

/** Accepts, moving the clock as long as it takes. */
export async function accept(mesh: TestMesh, node: TestNode, order: ReturnType<typeof orderOf>): Promise<void> {
  let ended = false
  const accepted = node.queue.accept(order).finally(() => {
    ended = true
  })
  accepted.catch(() => undefined)
  for (let turn = 0; !ended && turn < 200; turn++) await mesh.clock.advance(turn < 10 ? 0 : 100)
  await accepted
}

/** What it resolves with, moving the clock as long as it takes. */
export async function during<Value>(mesh: TestMesh, promise: Promise<Value>): Promise<Value> {
  let ended = false
  const value = promise.finally(() => {
    ended = true
  })
  value.catch(() => undefined)
  while (!ended) await mesh.clock.advance(50)
  return await value
}
