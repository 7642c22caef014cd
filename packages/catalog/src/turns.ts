import { PeerlessError } from '@peerless/interface'

interface Bounds {
  /** Tasks at once, those that wait for their turn included. */
  readonly tasksMax: number
  /** Of one account. */
  readonly accountTasksMax: number
}

/** One task at a time per name, and a bounded number in all and of each account. */
export class Turns {
  readonly #bounds: Bounds
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #ofAccount = new Map<string, number>()
  #tasks = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /**
   * Runs `task` when those of the same name that came before have ended, however they ended.
   * @param account whose deployment it is
   * @throws THROTTLED when there are too many
   */
  async run<Result>(account: string, name: string, task: () => Promise<Result>): Promise<Result> {
    const { tasksMax, accountTasksMax } = this.#bounds
    const own = this.#ofAccount.get(account) ?? 0
    if (this.#tasks >= tasksMax) throw tooMany(`${this.#tasks} deployments are in work at this node, at most ${tasksMax}`)
    if (own >= accountTasksMax)
      throw tooMany(`${own} deployments of account '${account}' are in work at this node, at most ${accountTasksMax}`)
    this.#count(account, 1)
    const before = this.#last.get(name)
    // The failure of the one before is its own caller's.
    const turn = before === undefined ? Promise.try(task) : before.then(task, task)
    this.#last.set(name, turn)
    try {
      return await turn
    } finally {
      this.#count(account, -1)
      if (this.#last.get(name) === turn) this.#last.delete(name)
    }
  }

  #count(account: string, change: 1 | -1): void {
    this.#tasks += change
    const own = (this.#ofAccount.get(account) ?? 0) + change
    if (own === 0) this.#ofAccount.delete(account)
    else this.#ofAccount.set(account, own)
  }
}

function tooMany(what: string): PeerlessError {
  return new PeerlessError('THROTTLED', `${what}; try again`)
}
