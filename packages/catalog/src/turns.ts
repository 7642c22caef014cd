import { PeerlessError } from '@peerless/interface'

/** What is bounded apart: work that has a zip in memory, and changes that are made in a moment. */
export type Work = 'deployments' | 'changes'

interface Bounds {
  /** Tasks at once, those that wait for their turn included. */
  readonly tasksMax: number
  /** Of one account. */
  readonly accountTasksMax: number
}

/** One task at a time per name, and of each kind of work a bounded number in all and of each account. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #counts: Readonly<Record<Work, Count>>

  constructor(bounds: Readonly<Record<Work, Bounds>>) {
    this.#counts = { deployments: new Count('deployments', bounds.deployments), changes: new Count('changes', bounds.changes) }
  }

  /**
   * Runs `task` when those of the same name that came before have ended, however they ended.
   * @param account whose work it is
   * @throws THROTTLED when there are too many
   */
  async run<Result>(work: Work, account: string, name: string, task: () => Promise<Result>): Promise<Result> {
    const count = this.#counts[work]
    count.begin(account)
    const before = this.#last.get(name)
    // The failure of the one before is its own caller's.
    const turn = before === undefined ? Promise.try(task) : before.then(task, task)
    this.#last.set(name, turn)
    try {
      return await turn
    } finally {
      count.end(account)
      if (this.#last.get(name) === turn) this.#last.delete(name)
    }
  }
}

class Count {
  readonly #work: Work
  readonly #bounds: Bounds
  readonly #ofAccount = new Map<string, number>()
  #tasks = 0

  constructor(work: Work, bounds: Bounds) {
    this.#work = work
    this.#bounds = bounds
  }

  /** @throws THROTTLED */
  begin(account: string): void {
    const { tasksMax, accountTasksMax } = this.#bounds
    const own = this.#ofAccount.get(account) ?? 0
    if (this.#tasks >= tasksMax) throw tooMany(`${this.#tasks} ${this.#work} are in work at this node, at most ${tasksMax}`)
    if (own >= accountTasksMax)
      throw tooMany(`${own} ${this.#work} of account '${account}' are in work at this node, at most ${accountTasksMax}`)
    this.#tasks++
    this.#ofAccount.set(account, own + 1)
  }

  end(account: string): void {
    this.#tasks--
    const own = (this.#ofAccount.get(account) ?? 0) - 1
    if (own > 0) this.#ofAccount.set(account, own)
    else this.#ofAccount.delete(account)
  }
}

function tooMany(what: string): PeerlessError {
  return new PeerlessError('THROTTLED', `${what}; try again`)
}
