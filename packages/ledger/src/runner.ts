import { isPeerlessError, messageOf, PeerlessError, writeError } from '@peerless/interface'
import type { Command, CommandMap, CommandOf, CoreEvent, Operation } from './commands.ts'
import type { LedgerCore } from './core.ts'

/** Exactly one of the two is given. */
export type Answered = (error: PeerlessError | undefined, value: unknown) => void

/** Where commands go: a core in this thread or in another. */
export interface CoreHost {
  call<Op extends Operation>(command: CommandOf<Op>): Promise<CommandMap[Op]['out']>
  /** Without an answer; receipts are acknowledged by the event `stored`. */
  post(command: CommandOf<'rows' | 'boot' | 'barrier'>): void
  /** Ends it at once; what is not on disk is lost, as in a crash. */
  close(): Promise<void>
}

interface Waiting {
  readonly command: Command
  readonly answered: Answered | undefined
}

/**
 * Group commit: the commands of one turn share one transaction, and their answers and events go out when it is on disk. A turn of soft
 * commands is answered at once and left to the next transaction; its events wait for that. When the disk
 * refuses, the answers are errors, and the receipts are given again with the next turn: they are lost only with the process.
 */
export class CoreRunner {
  readonly #core: LedgerCore
  readonly #schedule: (run: () => void) => void
  readonly #emit: (event: CoreEvent) => void
  #queue: Waiting[] = []
  #scheduled = false
  #closed = false

  constructor(core: LedgerCore, schedule: (run: () => void) => void, emit: (event: CoreEvent) => void) {
    this.#core = core
    this.#schedule = schedule
    this.#emit = emit
    this.#wake()
  }

  submit(command: Command, answered?: Answered): void {
    if (this.#closed) {
      answered?.(new PeerlessError('UNAVAILABLE', 'the ledger is closed'), undefined)
      return
    }
    this.#queue.push({ command, answered })
    this.#wake()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const { answered } of this.#queue.splice(0))
      answered?.(new PeerlessError('UNAVAILABLE', 'the ledger is closed'), undefined)
    this.#core.close()
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(() => {
      this.#scheduled = false
      if (!this.#closed) this.#turn()
    })
  }

  #turn(): void {
    const waiting = this.#queue.splice(0)
    const answers: (() => void)[] = []
    const verifications: Answered[] = []
    try {
      for (const { command, answered } of waiting) {
        if (command.op === 'verify') {
          if (answered !== undefined) verifications.push(answered)
          continue
        }
        try {
          const value = this.#core.execute(command)
          if (answered !== undefined) answers.push(() => answered(undefined, value))
        } catch (error) {
          // A command that is refused has written nothing; anything else may have, and takes the whole transaction with it.
          if (!isPeerlessError(error) || error.code === 'CORRUPT') throw error
          answers.push(() => answered?.(error, undefined))
        }
      }
      if (this.#core.urgent || verifications.length > 0) for (const event of this.#core.commit()) this.#emit(event)
    } catch (error) {
      this.#failed(error, waiting)
      return
    }
    for (const answer of answers) answer()
    for (const answered of verifications) this.#verify(answered)
  }

  #failed(error: unknown, waiting: Waiting[]): void {
    for (const command of this.#core.rollback().reverse()) this.#queue.unshift({ command, answered: undefined })
    this.#emit({ type: 'rolledBack', era: this.#core.era })
    this.#emit({
      type: 'log',
      level: 'error',
      message: 'the ledger could not write; receipts are kept in memory and tried again',
      fields: { reason: messageOf(error), batches: this.#queue.length }
    })
    const answer = isPeerlessError(error) ? error : writeError('the ledger', error)
    for (const { answered } of waiting) answered?.(answer, undefined)
  }

  #verify(answered: Answered): void {
    const verification = this.#core.verification()
    const step = () => {
      if (this.#closed) {
        answered(new PeerlessError('UNAVAILABLE', 'the ledger is closed'), undefined)
        return
      }
      const result = verification.step()
      if (result === undefined) this.#schedule(step)
      else answered(undefined, result)
    }
    step()
  }
}

/** A core in this thread: for tests, and where no seed may be handed to a worker. */
export class InlineHost implements CoreHost {
  readonly #runner: CoreRunner

  constructor(runner: CoreRunner) {
    this.#runner = runner
  }

  call<Op extends Operation>(command: CommandOf<Op>): Promise<CommandMap[Op]['out']> {
    return new Promise((resolve, reject) => {
      this.#runner.submit(command as Command, (error, value) => {
        if (error === undefined) resolve(value as CommandMap[Op]['out'])
        else reject(error)
      })
    })
  }

  post(command: CommandOf<'rows' | 'boot' | 'barrier'>): void {
    this.#runner.submit(command)
  }

  async close(): Promise<void> {
    this.#runner.close()
  }
}
