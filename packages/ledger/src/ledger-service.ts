import {
  ACCOUNT_NAME,
  type AccountBalance,
  type Clock,
  type Ledger,
  type LedgerStats,
  type LedgerVerification,
  type Logger,
  type Mesh,
  PeerlessError,
  type Random,
  type Receipt,
  type StatementLine,
  type Tariff,
  type Timer
} from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import type { CoreEvent } from './commands.ts'
import { LedgerCore } from './core.ts'
import { Exchange } from './exchange.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { linesOf, sumsOf } from './lines.ts'
import { Pruner } from './pruner.ts'
import { Recorder } from './recorder.ts'
import { type CoreHost, CoreRunner, InlineHost } from './runner.ts'
import { BOOT_BYTES, tariffProblem } from './statement.ts'
import { openStore } from './store.ts'
import { WorkerHost } from './worker-host.ts'

export interface LedgerOptions {
  /** Folder of the ledger's database; made when it is missing. */
  readonly directory: string
  readonly signer: Signer
  /**
   * The signer's 32 secret bytes. With them, hashing, signing and the disk run in a worker thread of this process; without, in this thread,
   * where each commit waits for the disk.
   */
  readonly seed?: Uint8Array | undefined
  readonly mesh: Mesh
  /** Who is paid for what runs here. */
  readonly operatorAccount: string
  /** The mesh's prices: statements under other prices are refused. */
  readonly tariff: Tariff
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Receipts of one statement between two nodes; default 256. */
  readonly batchReceiptsMax?: number
  /** Milliseconds before an open batch closes; default 100. Many callers at once make it longer, see LEDGER_LIMITS. */
  readonly batchMsMax?: number
  /** Connected peers that new statements are sent to directly; more get them by gossip. Default 63. */
  readonly pushPeersMax?: number
  /** How long each receipt is kept, in milliseconds; of older ones the totals stay. Default 400 days. Nodes of one mesh should agree on it. */
  readonly keepMs?: number
  /** How often the clock is looked at for that; two looks must agree. Default one hour. */
  readonly pruneCheckMs?: number
  /** Whether statements signed by this node are taken from others; default everyone's. Asked for the caller and the executor of each. */
  readonly isMember?: (peerId: string) => boolean
}

export interface LedgerService extends Ledger {
  /** Begins to talk to peers. Receipts may be recorded before. */
  start(): void
  /** Peer ids of those that have not answered for what they called here: only this node can ask them to. */
  owing(): Promise<string[]>
  /** Flushes, at most 5 s, and closes the database. */
  stop(): Promise<void>
  /** Ends at once, as a crash does: what is not on disk is lost. */
  abort(): Promise<void>
}

/** @throws INVALID_ARGUMENT, CORRUPT when the database cannot be opened */
export async function createLedger(options: LedgerOptions): Promise<LedgerService> {
  checkOptions(options)
  const boot = Uint8Array.from(options.random.bytes(BOOT_BYTES))
  const listeners: ((event: CoreEvent) => void)[] = []
  const early: CoreEvent[] = []
  const emit = (event: CoreEvent) => {
    if (listeners.length === 0) early.push(event)
    for (const listener of listeners) listener(event)
  }
  const { host, storeId } = await openHost(options, boot, emit)
  const service = new LedgerImplementation(options, host, boot, storeId)
  listeners.push((event) => service.onEvent(event))
  for (const event of early) service.onEvent(event)
  return service
}

async function openHost(
  options: LedgerOptions,
  boot: Uint8Array,
  emit: (event: CoreEvent) => void
): Promise<{ host: CoreHost; storeId: string }> {
  const { directory, signer, seed, mesh, operatorAccount, tariff, random } = options
  const storeIdIfNew = random.uuid()
  if (seed !== undefined) {
    const order = { directory, mesh: mesh.meshId, operatorAccount, tariff: { ...tariff }, boot, storeIdIfNew, seed }
    return await WorkerHost.start(order, emit)
  }
  const { store, storeId } = openStore(directory, storeIdIfNew)
  const core = new LedgerCore({ mesh: mesh.meshId, signer, operatorAccount, tariff, store, boot, storeId })
  return { host: new InlineHost(new CoreRunner(core, setImmediate, emit)), storeId }
}

function checkOptions({ operatorAccount, tariff, batchReceiptsMax, batchMsMax, keepMs, mesh, signer }: LedgerOptions): void {
  const problem = tariffProblem(tariff)
  if (problem !== undefined) throw new PeerlessError('INVALID_ARGUMENT', problem)
  if (!ACCOUNT_NAME.test(operatorAccount)) {
    throw new PeerlessError('INVALID_ARGUMENT', `operator account '${operatorAccount.slice(0, 80)}' must match ${ACCOUNT_NAME}`)
  }
  const rows = batchReceiptsMax ?? LEDGER_LIMITS.batchReceiptsDefault
  if (!Number.isInteger(rows) || rows < 1 || rows > LEDGER_LIMITS.statementRowsMax) {
    throw new PeerlessError('INVALID_ARGUMENT', `batchReceiptsMax ${rows} must be 1 to ${LEDGER_LIMITS.statementRowsMax}`)
  }
  const ms = batchMsMax ?? LEDGER_LIMITS.batchMsDefault
  if (!(ms >= 1 && ms <= 60_000)) throw new PeerlessError('INVALID_ARGUMENT', `batchMsMax ${ms} must be 1 to 60,000`)
  const { keepMsLeast, keepMsMost } = LEDGER_LIMITS
  if (keepMs !== undefined && !(keepMs >= keepMsLeast && keepMs <= keepMsMost)) {
    throw new PeerlessError('INVALID_ARGUMENT', `keepMs ${keepMs} must be ${keepMsLeast} to ${keepMsMost}`)
  }
  if (mesh.peerId !== signer.peerId) {
    throw new PeerlessError('INVALID_ARGUMENT', `signer ${signer.peerId} must be this node ${mesh.peerId}`)
  }
}

class LedgerImplementation implements LedgerService {
  readonly #options: LedgerOptions
  readonly #host: CoreHost
  readonly #recorder: Recorder
  readonly #exchange: Exchange
  #stopped = false
  #retry: Timer | undefined
  readonly #pruner: Pruner
  /** While executors are asked, and for a while after: who comes then shares the next time. */
  #asking: Promise<void> | undefined
  #askingNext: Promise<void> | undefined

  constructor(options: LedgerOptions, host: CoreHost, boot: Uint8Array, storeId: string) {
    const { mesh, clock, random, logger } = options
    this.#options = options
    this.#host = host
    this.#recorder = new Recorder({
      self: mesh.peerId,
      tariff: options.tariff,
      clock,
      batchReceiptsMax: options.batchReceiptsMax ?? LEDGER_LIMITS.batchReceiptsDefault,
      batchMsMax: options.batchMsMax ?? LEDGER_LIMITS.batchMsDefault,
      nodes: () => mesh.peers().length + 1,
      post: (command) => host.post(command),
      lost: (reason, receipts) => logger.error('ledger: receipts were dropped', { reason, receipts }),
      mischarged: ({ requestId, attempt, charge }, right) =>
        logger.error('ledger: a receipt has a charge that is not the tariff’s; the tariff’s is booked', {
          requestId,
          attempt,
          charge,
          right
        })
    })
    this.#exchange = new Exchange(
      {
        mesh,
        clock,
        random,
        logger,
        boot,
        storeId,
        isMember: options.isMember ?? (() => true),
        closeSeen: (peer) => this.#recorder.closeSeen(peer),
        closeLane: (peer) => this.#recorder.closeLane(peer),
        pushPeersMax: options.pushPeersMax ?? LEDGER_LIMITS.pushPeersMax
      },
      host
    )
    this.#pruner = new Pruner({
      clock,
      logger,
      host,
      keepMs: options.keepMs ?? LEDGER_LIMITS.keepMsDefault,
      checkMs: options.pruneCheckMs ?? LEDGER_LIMITS.pruneCheckMs
    })
  }

  onEvent(event: CoreEvent): void {
    if (event.type === 'stored') this.#recorder.stored(event.receipts)
    else if (event.type === 'pending') this.#exchange.offer(event.peer)
    else if (event.type === 'log') this.#options.logger[event.level](`ledger: ${event.message}`, event.fields)
    else if (event.type === 'rolledBack') this.#exchange.rolledBack(event.era)
    else this.#exchange.made(Buffer.from(event.hash, 'hex'))
  }

  start(): void {
    this.#exchange.start()
    // Where the disk refused, receipts wait for the next command; on an idle node there is none.
    this.#retry = this.#options.clock.every(LEDGER_LIMITS.antiEntropyMs, () => {
      if (this.#recorder.backlog > 0) this.#host.post({ op: 'barrier' })
    })
    this.#pruner.start()
  }

  record(receipt: Receipt): void {
    if (!this.#stopped) this.#recorder.record(receipt)
  }

  settled(): Promise<void> {
    if (this.#asking === undefined) return this.#ask()
    this.#askingNext ??= this.#asking.then(() => {
      this.#askingNext = undefined
      return this.#ask()
    })
    return this.#askingNext
  }

  async #ask(): Promise<void> {
    this.#recorder.closeAll()
    const asked = this.#exchange.claimsAsked()
    this.#asking = asked
      .then((any) => (any ? this.#pause(LEDGER_LIMITS.claimsAskedEveryMs) : undefined))
      .catch(() => undefined)
      .finally(() => {
        this.#asking = undefined
      })
    await asked
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve)
    })
  }

  async balances(during: { from?: number; to?: number } = {}): Promise<AccountBalance[]> {
    this.#recorder.closeAll()
    if (during.from === undefined && during.to === undefined) return await this.#host.call({ op: 'balances' })
    return await sumsOf(during, (place) => this.#host.call({ op: 'page', ...place }))
  }

  async *statement(filter: { account?: string; from?: number; to?: number }): AsyncGenerator<StatementLine> {
    this.#recorder.closeAll()
    yield* linesOf(filter, (place) => this.#host.call({ op: 'page', ...place }))
  }

  async verify(): Promise<LedgerVerification> {
    this.#recorder.closeAll()
    return await this.#host.call({ op: 'verify' })
  }

  async stats(): Promise<LedgerStats> {
    return { ...(await this.#host.call({ op: 'stats' })), lost: this.#recorder.lost }
  }

  async owing(): Promise<string[]> {
    return await this.#host.call({ op: 'owing' })
  }

  async flush(): Promise<void> {
    this.#recorder.closeAll()
    await this.#host.call({ op: 'barrier' })
    let late: () => void = () => undefined
    const timeout = new Promise<void>((resolve) => {
      late = resolve
    })
    const timer = this.#options.clock.after(LEDGER_LIMITS.flushTimeoutMs, late)
    await Promise.race([Promise.all([this.#exchange.offersSettled(), this.#exchange.claimsSettled()]), timeout])
    this.#recorder.closeAll()
    await this.#host.call({ op: 'barrier' })
    await Promise.race([this.#exchange.pushesSettled(), timeout])
    timer.cancel()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    try {
      await this.flush()
    } finally {
      await this.abort()
    }
  }

  async abort(): Promise<void> {
    this.#stopped = true
    this.#recorder.stop()
    this.#retry?.cancel()
    this.#pruner.stop()
    this.#exchange.stop()
    await this.#host.close()
  }
}
