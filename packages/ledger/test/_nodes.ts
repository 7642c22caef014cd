import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AccountBalance,
  type Clock,
  chargeOf,
  type Random,
  type Receipt,
  type StatementLine,
  TARIFF_DEFAULT
} from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, realClock, SeededRandom } from '@peerless/testing'
import { type Signer, signerOf } from '@peerless/wire'
import type { ExecutionContext } from 'ava'
import { createLedger, type LedgerOptions, type LedgerService } from '../src/index.ts'

export const FUZZ_SEED = 20261124

export interface TestNode {
  readonly signer: Signer
  readonly seed: Uint8Array
  readonly directory: string
  readonly logger: MemoryLogger
  ledger: LedgerService
}

export interface Fleet {
  readonly network: MemoryNetwork
  readonly random: SeededRandom
  readonly nodes: TestNode[]
  /** Starts a node anew over its directory. */
  restart(node: TestNode): Promise<void>
  /** Ends a node as kill -9 does. */
  crash(node: TestNode): Promise<void>
  settings: Partial<LedgerOptions>
}

/** Ledgers joined by a memory network, each with a directory of its own; all end with the test. */
export async function fleet(
  t: ExecutionContext,
  count: number,
  settings: Partial<LedgerOptions> & { meshId?: string; seedNumber?: number; worker?: boolean } = {}
): Promise<Fleet> {
  const { meshId, seedNumber, worker, ...overrides } = settings
  const random = new SeededRandom(seedNumber ?? FUZZ_SEED)
  const network = new MemoryNetwork(random, meshId)
  const root = mkdtempSync(join(tmpdir(), 'ledger-'))
  const nodes: TestNode[] = []
  const open = async (node: Pick<TestNode, 'signer' | 'seed' | 'directory' | 'logger'>) => {
    const ledger = await createLedger({
      directory: node.directory,
      signer: node.signer,
      mesh: network.join(node.signer.peerId),
      operatorAccount: `operator-${nodes.findIndex((one) => one.signer === node.signer) + 1 || nodes.length + 1}`,
      tariff: TARIFF_DEFAULT,
      clock: realClock,
      random,
      logger: node.logger,
      batchMsMax: 5,
      ...(worker === true ? { seed: Uint8Array.from(node.seed) } : {}),
      ...overrides
    })
    ledger.start()
    return ledger
  }
  const self: Fleet = {
    network,
    random,
    nodes,
    settings: overrides,
    crash: async (node) => {
      network.leave(node.signer.peerId)
      await node.ledger.abort()
    },
    restart: async (node) => {
      node.ledger = await open(node)
    }
  }
  for (let index = 0; index < count; index++) {
    const seed = random.bytes(32)
    const signer = signerOf(seed)
    const parts = { signer, seed, directory: join(root, `node-${index}`), logger: new MemoryLogger() }
    nodes.push({ ...parts, ledger: await open(parts) })
  }
  // The clocks of the project never keep a process; a test that waits for one does.
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(async () => {
    clearInterval(alive)
    for (const node of nodes) await node.ledger.abort()
    rmSync(root, { recursive: true, force: true })
  })
  return self
}

export function receiptOf(
  parts: Partial<Receipt> & { caller: string; executor: string },
  random: Random,
  clock: Clock = realClock
): Receipt {
  const durationUs = parts.durationUs ?? 1 + Math.floor(random.next() * 400_000)
  const memoryMb = parts.memoryMb ?? 128
  return {
    requestId: random.uuid(),
    attempt: 1,
    time: clock.now(),
    account: 'ada',
    functionName: 'hello',
    version: '$LATEST',
    durationUs,
    memoryMb,
    cold: false,
    status: 'ok',
    ...chargeOf(durationUs / 1_000, memoryMb, TARIFF_DEFAULT),
    ...parts
  }
}

/** A call from one node that ran on another (or the same): both sides record what they know. */
export function call(caller: TestNode, executor: TestNode, random: Random, parts: Partial<Receipt> = {}): Receipt {
  const receipt = receiptOf({ caller: caller.signer.peerId, executor: executor.signer.peerId, ...parts }, random)
  executor.ledger.record(receipt)
  if (caller !== executor) caller.ledger.record(receipt)
  return receipt
}

export async function linesOf(ledger: LedgerService, filter: { account?: string; from?: number; to?: number } = {}) {
  const lines: StatementLine[] = []
  for await (const line of ledger.statement(filter)) lines.push(line)
  return lines
}

export function sumOf(balances: AccountBalance[]): bigint {
  return balances.reduce((sum, { balance }) => sum + BigInt(balance), 0n)
}

/** Looks again after every turn of the event loop until it holds; the bound is ava's own timeout and this many milliseconds. */
export async function eventually(check: () => Promise<boolean>, what: string, boundMs = 20_000): Promise<void> {
  const until = realClock.monotonic() + boundMs
  while (!(await check())) {
    if (realClock.monotonic() > until) throw new Error(`not within ${boundMs} ms: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
