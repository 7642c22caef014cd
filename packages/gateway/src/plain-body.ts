import { type Body, type BodyBudget, Gathered } from './http-body.ts'

/** What is looked at in one step of a part of a body. */
const LOOK_BYTES_MAX = 65_536

export type HeldBody = Pick<Body, 'bytes' | 'headroomBytes' | 'release'>

/** What becomes of a body that comes in parts. */
export interface PlainReceipt {
  /** Sees each part of the body as it comes, in order; nothing of it is kept. */
  readonly look: ((part: Buffer) => void) | undefined
  /** Takes the request with its body, or says false at once: then nothing was begun, and the body is not its own. */
  readonly take: (body: HeldBody) => boolean
  /** The client went away before all of it had come. */
  readonly lost: () => void
}

/** A body of known length on its way, for requests that `PlainFront` reads. The rules of `readBody` hold: nothing is held that the node has no room for. */
export class PlainBody {
  readonly #head: string
  readonly #gathered: Gathered
  readonly #budget: BodyBudget
  readonly #receipt: PlainReceipt
  #left: number
  /** Of the budget. */
  #held = 0

  /** @param head the request up to its body, as it came, for whoever has to read it again: ASCII */
  constructor(head: string, announced: number, budget: BodyBudget, receipt: PlainReceipt) {
    this.#head = head
    this.#gathered = new Gathered(announced)
    this.#budget = budget
    this.#receipt = receipt
    this.#left = announced
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.#left
  }

  /**
   * @param chunk at most what is left; it is somebody else's when this returns
   * @returns false when there is no room for it: nothing of it was taken
   */
  add(chunk: Buffer): boolean {
    if (chunk.length === 0) return true
    const more = this.#gathered.needs(chunk.length)
    if (!this.#budget.has(more)) return false
    this.#budget.take(more)
    this.#held += more
    this.#left -= chunk.length
    const { look } = this.#receipt
    if (look !== undefined) {
      for (let at = 0; at < chunk.length; at += LOOK_BYTES_MAX) look(chunk.subarray(at, at + LOOK_BYTES_MAX))
    }
    this.#gathered.add(chunk, true)
    return true
  }

  /** All of it has come. False: it was not wanted; `unread` has it. */
  take(): boolean {
    const release = () => this.#release()
    return this.#receipt.take({ ...this.#gathered.take(), release })
  }

  /** The request as far as it has come. It is given back with that. */
  unread(): Buffer {
    this.#release()
    return Buffer.concat([Buffer.from(this.#head, 'latin1'), this.#gathered.soFar()])
  }

  lost(): void {
    this.#release()
    this.#receipt.lost()
  }

  #release(): void {
    this.#budget.give(this.#held)
    this.#held = 0
  }
}
