import { type Logger, messageOf, PeerlessError, writeError } from '@peerless/interface'
import { BATCH_ENTRIES_MAX } from './constants.ts'
import type { Entry } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import type { EntryStorage } from './storage.ts'

export interface Origin {
  /** The peer it came from; undefined for this node's own. */
  readonly from: string | undefined
  /** False when the sender has told everyone already. */
  readonly spread: boolean
}

export interface Staged {
  readonly entry: Entry
  readonly envelope: Uint8Array
  readonly origin: Origin
}

interface Batch {
  readonly staged: Map<string, Staged>
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: PeerlessError) => void
}

export interface WriterOptions {
  readonly storage: EntryStorage
  readonly table: EntryTable
  readonly logger: Logger
  /** What is on disk and in the table now. */
  readonly onCommitted: (batch: Staged[]) => void
}

/** All writes of one tick in one transaction: first the disk, then the table, then whoever waits. */
export class Writer {
  readonly #options: WriterOptions
  #batch: Batch | undefined
  #closed = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  current(key: string): Entry | undefined {
    return this.#batch?.staged.get(key)?.entry ?? this.#options.table.get(key)
  }

  /** Takes an entry that wins over `current`. Resolves when it, or what overtook it in the same tick, is on disk. @throws UNAVAILABLE after `close` and where the disk refuses, INTERNAL */
  stage(staged: Staged): Promise<void> {
    if (this.#closed) throw new PeerlessError('UNAVAILABLE', 'the catalog is stopped')
    const batch = (this.#batch ??= this.#open())
    batch.staged.set(staged.entry.key, staged)
    if (batch.staged.size >= BATCH_ENTRIES_MAX) this.flush()
    return batch.promise
  }

  /** Resolves when all that was staged is on disk. @throws INTERNAL, UNAVAILABLE where the disk refuses */
  settled(): Promise<void> {
    return this.#batch?.promise ?? Promise.resolve()
  }

  flush(): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    const { storage, table, logger, onCommitted } = this.#options
    const staged = [...batch.staged.values()]
    try {
      storage.commit(
        staged.map(({ entry, envelope }) => ({ key: entry.key, envelope })),
        []
      )
    } catch (error) {
      logger.error('catalog could not be written', { entries: staged.length, error: messageOf(error) })
      batch.reject(writeError('the catalog', error))
      return
    }
    for (const { entry } of staged) table.set(entry)
    batch.resolve()
    onCommitted(staged)
  }

  /** Writes what is staged and takes nothing more. */
  close(): void {
    this.flush()
    this.#closed = true
  }

  #open(): Batch {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Who waits hears of it, and it is logged; an entry that came by itself has nobody waiting.
    promise.catch(() => undefined)
    const batch = { staged: new Map(), promise, resolve, reject }
    setImmediate(() => {
      if (this.#batch === batch) this.flush()
    })
    return batch
  }
}
