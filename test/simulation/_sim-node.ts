import type { Arrival } from './_workload.ts'

/** One call on its way through the simulated mesh. */
export interface Call {
  readonly arrival: Arrival
  readonly revision: string
  readonly caller: SimNode
  refused: ReadonlySet<string>
  tries: number
  waitUntil: number
  /** Where the attempt under way runs, or ran. */
  at: SimNode
  cold: boolean
  /** Refused where no instance is idle. */
  onlyIdle: boolean
  outcome: 'ran' | 'busy' | 'failed'
  /** What the reply says of the load there. */
  hint: Hint | undefined
}

interface Hint {
  boot: number
  sequence: number
  slots: number
  busy: number
  inFlight: number
  latencyMs: number
  idle: number
}

export type Failing = 'no' | 'down' | 'fast'

/** Told of what an omniscient knows at once. It is kept for that policy only, for it costs as much as all else here. */
export interface Watch {
  /** Nodes that may have an idle instance, per revision. */
  readonly warm: Map<string, Set<SimNode>>
  /** Its load or its state is another one. */
  changed(node: SimNode): void
}

/** A node's instances, as packages/instances keeps them: idle ones by age, the newest first; each lives `keepMs` after its last use. */
export class SimNode {
  readonly id: string
  readonly index: number
  readonly zone: number
  readonly slots: number
  /** 0.5 takes twice as long. */
  speed: number
  readonly waiting: Call[] = []
  /** Revisions of which an instance is being started beside the calls. */
  readonly preparing = new Set<string>()
  /** Calls of peers that wait a moment for a slot. */
  readonly held: Call[] = []
  busy = 0
  /** Calls on their way here, known to an omniscient only. */
  coming = 0
  /** Changed by `become`. */
  failing: Failing = 'no'
  draining = false
  sequence = 0
  boot = 1
  /** Integral of `busy` over time since `measureFrom`. */
  busyMs = 0
  calls = 0
  #busySince = 0
  readonly #idle = new Map<string, number[]>()
  readonly #keepMs: number
  readonly #watch: Watch | undefined
  readonly #latencies = new Float64Array(32)
  #latencyCount = 0

  constructor(index: number, zone: number, slots: number, speed: number, keepMs: number, watch?: Watch) {
    this.index = index
    this.id = `node-${index}`
    this.zone = zone
    this.slots = slots
    this.speed = speed
    this.#keepMs = keepMs
    this.#watch = watch
  }

  idleOf(revision: string, now: number): number {
    const stack = this.#idle.get(revision)
    if (stack === undefined) return 0
    // The newest is last: when it is too old, all are.
    if ((stack[stack.length - 1] as number) + this.#keepMs < now) {
      this.#cool(revision)
      return 0
    }
    return stack.length
  }

  /** Takes the newest idle instance; false: one must be launched. */
  takeIdle(revision: string, now: number): boolean {
    if (this.idleOf(revision, now) === 0) return false
    const stack = this.#idle.get(revision) as number[]
    stack.pop()
    if (stack.length === 0) this.#cool(revision)
    return true
  }

  park(revision: string, now: number): void {
    const stack = this.#idle.get(revision)
    if (stack !== undefined) {
      stack.push(now)
      return
    }
    this.#idle.set(revision, [now])
    if (this.#watch === undefined) return
    const warm = this.#watch.warm.get(revision)
    if (warm === undefined) this.#watch.warm.set(revision, new Set([this]))
    else warm.add(this)
  }

  #cool(revision: string): void {
    this.#idle.delete(revision)
    this.#watch?.warm.get(revision)?.delete(this)
  }

  /** For a beacon. */
  idleMap(now: number): Map<string, number> {
    const map = new Map<string, number>()
    for (const [revision, stack] of this.#idle) {
      while (stack.length > 0 && (stack[0] as number) + this.#keepMs < now) stack.shift()
      if (stack.length > 0) map.set(revision, stack.length)
      else this.#cool(revision)
    }
    return map
  }

  occupy(change: 1 | -1, now: number): void {
    this.busyMs += this.busy * (now - this.#busySince)
    this.#busySince = now
    this.busy += change
    this.#watch?.changed(this)
  }

  /** A call is on its way, or has come. */
  expect(change: 1 | -1): void {
    this.coming += change
    this.#watch?.changed(this)
  }

  become(failing: Failing, draining: boolean): void {
    this.failing = failing
    this.draining = draining
    this.#watch?.changed(this)
  }

  measureFrom(now: number): void {
    this.occupy(1, now)
    this.occupy(-1, now)
    this.busyMs = 0
    this.calls = 0
  }

  note(durationMs: number): void {
    this.#latencies[this.#latencyCount++ % this.#latencies.length] = durationMs
  }

  latencyMs(): number {
    const kept = this.#latencies.slice(0, Math.min(this.#latencyCount, this.#latencies.length)).sort()
    return kept[kept.length >> 1] ?? 0
  }

  crash(): void {
    for (const revision of [...this.#idle.keys()]) this.#cool(revision)
    this.boot++
    this.sequence = 0
  }
}
