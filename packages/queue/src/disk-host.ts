import { Worker } from 'node:worker_threads'
import { errorCodeOf, PeerlessError } from '@peerless/interface'
import { encode, workerEnvironment } from '@peerless/wire'
import type { Disk, DiskQuestion, DiskQuestions } from './disk.ts'
import type { StoreOp } from './store.ts'

export type ToDisk =
  | { kind: 'commit'; id: number; ops: Uint8Array }
  | { kind: 'ask'; id: number; question: DiskQuestion; values: unknown[] }
  | { kind: 'close' }
export type FromDisk =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; error: string | undefined; value: unknown }
  | { kind: 'closed' }

type OnAnswer = (error: Error | undefined, value: unknown) => void

/** A disk whose thread is another one. A commit goes over as one transferred buffer: cloning its parts one by one would cost more than the disk. */
export class DiskHost implements Disk {
  readonly #worker: Worker
  readonly #waiting = new Map<number, OnAnswer>()
  #nextId = 1
  #gone: PeerlessError | undefined
  #closing: (() => void) | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** @throws CORRUPT, UNAVAILABLE as the store does */
  static async start(directory: string): Promise<DiskHost> {
    const worker = new Worker(new URL('./disk.worker.ts', import.meta.url), {
      workerData: { directory },
      execArgv: [],
      env: workerEnvironment()
    })
    const host = new DiskHost(worker)
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromDisk) => {
        if (message.kind === 'answer') host.#answer(message)
        else if (message.kind === 'ready') resolve()
        else host.#closing?.()
      })
      const gone = (error: PeerlessError) => {
        host.#fail(error)
        host.#closing?.()
        reject(error)
      }
      // A PeerlessError loses its class on the way; its code is still there.
      worker.on('error', (error: Error) =>
        gone(new PeerlessError(errorCodeOf((error as { code?: unknown }).code), error.message, { cause: error }))
      )
      worker.on('exit', () => gone(new PeerlessError('UNAVAILABLE', "the queue's disk is closed")))
    })
    worker.unref()
    return host
  }

  commit(ops: readonly StoreOp[], done: (error: Error | undefined) => void): void {
    const bytes = Uint8Array.from(encode(ops))
    this.#send((id) => ({ kind: 'commit', id, ops: bytes }), done, [bytes.buffer])
  }

  ask<Question extends DiskQuestion>(
    question: Question,
    ...values: DiskQuestions[Question]['in']
  ): Promise<DiskQuestions[Question]['out']> {
    return new Promise((resolve, reject) => {
      this.#send(
        (id) => ({ kind: 'ask', id, question, values }),
        (error, value) => (error === undefined ? resolve(value as DiskQuestions[Question]['out']) : reject(error))
      )
    })
  }

  async close(): Promise<void> {
    if (this.#gone !== undefined) return
    this.#worker.ref()
    await new Promise<void>((resolve) => {
      this.#closing = resolve
      this.#worker.postMessage({ kind: 'close' } satisfies ToDisk)
    })
    await this.#worker.terminate()
  }

  #send(make: (id: number) => ToDisk, done: OnAnswer, transfer: ArrayBuffer[] = []): void {
    if (this.#gone !== undefined) {
      done(this.#gone, undefined)
      return
    }
    const id = this.#nextId++
    this.#waiting.set(id, done)
    if (this.#waiting.size === 1) this.#worker.ref()
    this.#worker.postMessage(make(id), transfer)
  }

  #answer({ id, error, value }: Extract<FromDisk, { kind: 'answer' }>): void {
    const done = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    done?.(error === undefined ? undefined : new PeerlessError('UNAVAILABLE', `the queue's disk refused: ${error}`), value)
  }

  #fail(error: PeerlessError): void {
    this.#gone ??= error
    for (const done of [...this.#waiting.values()]) done(error, undefined)
    this.#waiting.clear()
  }
}
