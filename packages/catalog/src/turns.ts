import { PeerlessError } from '@peerless/interface'

/** One task at a time per name, and a bounded number in all. */
export class Turns {
  readonly #tasksMax: number
  readonly #last = new Map<string, Promise<unknown>>()
  #tasks = 0

  constructor(tasksMax: number) {
    this.#tasksMax = tasksMax
  }

  /** Runs `task` when those of the same name that came before have ended, however they ended. @throws THROTTLED when there are too many */
  async run<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
    if (this.#tasks >= this.#tasksMax) {
      throw new PeerlessError(
        'THROTTLED',
        `${this.#tasks} deployments are in work at this node, at most ${this.#tasksMax}; try again`
      )
    }
    this.#tasks++
    const before = this.#last.get(name)
    // The failure of the one before is its own caller's.
    const turn = before === undefined ? Promise.try(task) : before.then(task, task)
    this.#last.set(name, turn)
    try {
      return await turn
    } finally {
      this.#tasks--
      if (this.#last.get(name) === turn) this.#last.delete(name)
    }
  }
}
