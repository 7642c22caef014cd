import {
  AVOID_MS_MAX,
  AVOID_MS_MIN,
  AVOID_PROBE_MS,
  AVOID_PROBES,
  AVOIDERS_AGAIN_MIN,
  AVOIDERS_MIN,
  AVOIDERS_SHARE_MIN,
  EJECT_FORGIVE_MS,
  EJECT_SHARE_MAX,
  JUDGED_AGE_MS_MAX,
  REPORT_AGE_MS_MAX
} from './constants.ts'

interface Told {
  /** For whom it fails, and the local monotonic milliseconds at which each said so last. */
  readonly by: Map<string, number>
  avoidedUntil: number
  times: number
}

/**
 * What the nodes say of each other's failures. In a large mesh those of one node are spread over so many callers that each of them alone would find out late, at
 * the cost of a few calls each. When several say that a node fails for them, all leave it alone for a while, twice as long each time; then a few calls of all that
 * could go there do, and who gets a wrong answer says so. Told the time, in monotonic milliseconds.
 */
export class CommonHealth {
  readonly #told = new Map<string, Told>()
  #judgedAt = Number.NEGATIVE_INFINITY

  /** Nodes of which anything is known. */
  get size(): number {
    return this.#told.size
  }

  /** A node's newest word: the peers that fail for it now. Before it said `before`. */
  tell(by: string, before: readonly string[], now: readonly string[], at: number): void {
    for (const node of before) {
      const told = this.#told.get(node)
      told?.by.delete(by)
      // What was never avoided leaves nothing to remember.
      if (told?.by.size === 0 && told.avoidedUntil === Number.NEGATIVE_INFINITY) this.#told.delete(node)
    }
    for (const node of now) {
      const told = this.#told.get(node)
      if (told === undefined) this.#told.set(node, { by: new Map([[by, at]]), avoidedUntil: Number.NEGATIVE_INFINITY, times: 0 })
      else told.by.set(by, at)
    }
  }

  /** It was started anew: what was said of it before is of another process. */
  forget(node: string): void {
    this.#told.delete(node)
  }

  /**
   * The chance with which a call may go there: 1, but 0 while it is avoided, and a few in as many as there are nodes for a while after.
   *
   * @param nodes that report at all
   */
  chance(node: string, nodes: number, now: number): number {
    if (this.#told.size === 0) return 1
    if (now - this.#judgedAt > JUDGED_AGE_MS_MAX) this.#judge(nodes, now)
    const told = this.#told.get(node)
    if (told === undefined || now >= told.avoidedUntil + AVOID_PROBE_MS) return 1
    return now < told.avoidedUntil ? 0 : Math.min(1, AVOID_PROBES / nodes)
  }

  #judge(nodes: number, now: number): void {
    this.#judgedAt = now
    const least = Math.max(AVOIDERS_MIN, AVOIDERS_SHARE_MIN * nodes)
    let avoided = 0
    const more: Told[] = []
    for (const [node, told] of this.#told) {
      if (now < told.avoidedUntil) {
        avoided++
        continue
      }
      for (const [by, at] of told.by) if (now - at > REPORT_AGE_MS_MAX) told.by.delete(by)
      const onTrial = now < told.avoidedUntil + AVOID_PROBE_MS
      if (told.by.size >= (onTrial ? AVOIDERS_AGAIN_MIN : least)) more.push(told)
      else if (told.by.size === 0 && now - told.avoidedUntil > EJECT_FORGIVE_MS) this.#told.delete(node)
    }
    // For more than a share of all it goes for none: the fault is rather in the network between, or with those who say so.
    if (avoided + more.length > Math.max(1, EJECT_SHARE_MAX * nodes)) return
    for (const told of more) {
      if (now - told.avoidedUntil > EJECT_FORGIVE_MS) told.times = 0
      told.avoidedUntil = now + Math.min(AVOID_MS_MAX, AVOID_MS_MIN * 2 ** told.times)
      told.times++
    }
  }
}
