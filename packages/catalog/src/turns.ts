import { type Clock, PeerlessError } from '@peerless/interface'

/** What is bounded apart: work that has a zip in memory, and changes that are made in a moment. */
export type Work = 'deployments' | 'changes'

interface Bounds {
  /** Tasks at once, those that wait for the one before them of the same name included; and of one account. */
  readonly tasksMax: number
  readonly accountTasksMax: number
  /** Tasks that wait until there is room for them, and of one account; bytes that they hold together. */
  readonly waitingMax: number
  readonly accountWaitingMax: number
  readonly waitingBytesMax: number
  /** And for how long. */
  readonly waitingMsMax: number
}

/** One task at a time per name, and of each kind of work a bounded number in all and of each account: of those beyond it some wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #rooms: Readonly<Record<Work, Room>>

  constructor(bounds: Readonly<Record<Work, Bounds>>, clock: Pick<Clock, 'after'>) {
    const room = (work: Work) => new Room(work, bounds[work], clock)
    this.#rooms = { deployments: room('deployments'), changes: room('changes') }
  }

  /**
   * Runs `task` when those of the same name that came before have ended, however they ended.
   * @param account whose work it is
   * @param bytes that it holds in memory while it waits
   * @throws THROTTLED when there are too many
   */
  async run<Result>(work: Work, account: string, name: string, task: () => Promise<Result>, bytes = 0): Promise<Result> {
    const room = this.#rooms[work]
    const entered = room.enter(account, bytes)
    if (entered !== undefined) await entered
    const before = this.#last.get(name)
    // The failure of the one before is its own caller's.
    const turn = before === undefined ? Promise.try(task) : before.then(task, task)
    this.#last.set(name, turn)
    try {
      return await turn
    } finally {
      room.leave(account)
      if (this.#last.get(name) === turn) this.#last.delete(name)
    }
  }
}

interface Waiting {
  readonly account: string
  readonly enter: () => void
}

/** Of one kind of work: what is in it, and what waits, in the order in which it came but for accounts that have their share. */
class Room {
  readonly #work: Work
  readonly #bounds: Bounds
  readonly #clock: Pick<Clock, 'after'>
  readonly #ofAccount = new Map<string, number>()
  #tasks = 0
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0

  constructor(work: Work, bounds: Bounds, clock: Pick<Clock, 'after'>) {
    this.#work = work
    this.#bounds = bounds
    this.#clock = clock
  }

  /**
   * Returns undefined where there is room, else what resolves when there is, and rejects with THROTTLED when there was none for too long.
   * @throws THROTTLED
   */
  enter(account: string, bytes: number): Promise<void> | undefined {
    const { tasksMax, accountTasksMax, waitingMax, accountWaitingMax, waitingBytesMax } = this.#bounds
    if (this.#hasRoom(account)) {
      this.#count(account)
      return undefined
    }
    const own = this.#waiting.filter((one) => one.account === account).length
    const full = this.#waiting.length >= waitingMax || this.#waitingBytes + bytes > waitingBytesMax
    if (this.#tasks >= tasksMax && full) throw this.#tooMany(this.#tasks, '', tasksMax)
    if (full || own >= accountWaitingMax)
      throw this.#tooMany(this.#ofAccount.get(account) ?? 0, ` of account '${account}'`, accountTasksMax)
    return this.#wait(account, bytes)
  }

  leave(account: string): void {
    this.#tasks--
    const own = (this.#ofAccount.get(account) ?? 0) - 1
    if (own > 0) this.#ofAccount.set(account, own)
    else this.#ofAccount.delete(account)
    // Who left made room for one.
    const index = this.#waiting.findIndex((one) => this.#hasRoom(one.account))
    const next = this.#waiting[index]
    if (next === undefined) return
    this.#count(next.account)
    next.enter()
  }

  #wait(account: string, bytes: number): Promise<void> {
    this.#waitingBytes += bytes
    return new Promise((resolve, reject) => {
      const over = () => {
        timer.cancel()
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        this.#waitingBytes -= bytes
      }
      const enter = () => {
        over()
        resolve()
      }
      const waiting: Waiting = { account, enter }
      const timer = this.#clock.after(this.#bounds.waitingMsMax, () => {
        over()
        reject(this.#tooMany(this.#ofAccount.get(account) ?? 0, ` of account '${account}'`, this.#bounds.accountTasksMax))
      })
      this.#waiting.push(waiting)
    })
  }

  #hasRoom(account: string): boolean {
    const { tasksMax, accountTasksMax } = this.#bounds
    return this.#tasks < tasksMax && (this.#ofAccount.get(account) ?? 0) < accountTasksMax
  }

  #count(account: string): void {
    this.#tasks++
    this.#ofAccount.set(account, (this.#ofAccount.get(account) ?? 0) + 1)
  }

  #tooMany(inWork: number, whose: string, most: number): PeerlessError {
    const waiting = this.#waiting.length === 0 ? '' : ` and ${this.#waiting.length} wait`
    return new PeerlessError(
      'THROTTLED',
      `${inWork} ${this.#work}${whose} are in work at this node, at most ${most}${waiting}; try again`
    )
  }
}
