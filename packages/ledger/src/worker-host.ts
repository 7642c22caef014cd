import { Worker } from 'node:worker_threads'
import { type ErrorCode, errorCodeOf, PeerlessError, type Tariff } from '@peerless/interface'
import { workerEnvironment } from '@peerless/wire'
import type { Command, CommandMap, CommandOf, CoreEvent, Operation } from './commands.ts'
import type { CoreHost } from './runner.ts'

export interface WorkerStart {
  readonly directory: string
  readonly mesh: string
  readonly operatorAccount: string
  readonly tariff: Tariff
  readonly boot: Uint8Array
  readonly storeIdIfNew: string
  readonly seed: Uint8Array
}

/** `id` 0 wants no answer. */
export type ToWorker = { type: 'command'; id: number; command: Command } | { type: 'close' }

export type FromWorker =
  | { type: 'ready'; storeId: string }
  | { type: 'answer'; id: number; code: ErrorCode | undefined; message: string | undefined; value: unknown }
  | { type: 'event'; event: CoreEvent }
  | { type: 'closed' }

/** A core in a worker thread. Receipts go over as transferred buffers, not copied. */
export class WorkerHost implements CoreHost {
  readonly #worker: Worker
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #nextId = 1
  #gone: PeerlessError | undefined
  #closing: (() => void) | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** @throws CORRUPT, UNAVAILABLE as the store does */
  static async start(start: WorkerStart, emit: (event: CoreEvent) => void): Promise<{ host: WorkerHost; storeId: string }> {
    // No options of the process: some, as --no-node-snapshot, are refused in a worker.
    const worker = new Worker(new URL('./core.worker.ts', import.meta.url), {
      workerData: start,
      execArgv: [],
      env: workerEnvironment()
    })
    const host = new WorkerHost(worker)
    const storeId = await new Promise<string>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(message.storeId)
        else if (message.type === 'event') emit(message.event)
        else if (message.type === 'answer') host.#answer(message)
        else host.#closing?.()
      })
      worker.on('error', (error: Error) => {
        // A PeerlessError loses its class on the way; its code is still there.
        const code = errorCodeOf((error as { code?: unknown }).code)
        host.#fail(
          new PeerlessError(code, code === 'INTERNAL' ? 'the ledger thread failed' : error.message, { cause: error }),
          emit
        )
        reject(host.#gone as PeerlessError)
      })
      worker.on('exit', () => {
        host.#fail(new PeerlessError('UNAVAILABLE', 'the ledger is closed'), undefined)
        host.#closing?.()
        reject(host.#gone as PeerlessError)
      })
    })
    worker.unref()
    return { host, storeId }
  }

  call<Op extends Operation>(command: CommandOf<Op>): Promise<CommandMap[Op]['out']> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) {
        reject(this.#gone)
        return
      }
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      // A question is worth waiting for; an idle thread does not keep the process.
      if (this.#waiting.size === 1) this.#worker.ref()
      this.#send({ type: 'command', id, command: command as Command })
    })
  }

  post(command: CommandOf<'rows' | 'boot' | 'barrier'>): void {
    if (this.#gone !== undefined) return
    const transfer = command.op === 'rows' ? [command.rows.buffer as ArrayBuffer] : []
    this.#send({ type: 'command', id: 0, command }, transfer)
  }

  async close(): Promise<void> {
    if (this.#gone !== undefined) return
    this.#worker.ref()
    await new Promise<void>((resolve) => {
      this.#closing = resolve
      this.#send({ type: 'close' })
    })
    await this.#worker.terminate()
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  #answer(message: Extract<FromWorker, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if (message.code === undefined) waiting?.resolve(message.value as never)
    else waiting?.reject(new PeerlessError(message.code, message.message ?? ''))
  }

  #fail(error: PeerlessError, emit: ((event: CoreEvent) => void) | undefined): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    emit?.({ type: 'log', level: 'error', message: 'the ledger thread failed', fields: { reason: String(error.cause) } })
  }
}
