import type { Clock, Timer } from '@peerless/interface'
import { burstSize } from './burst-size.ts'
import type { Running } from './records.ts'

/** How often it is looked at whether what is waited for comes. */
const LOOK_MS = 10
/** A call waits so long for an instance of others, then it gets one of its own, as soon as no more are being started than there are. */
const HELD_MS_MAX = 1_000
/** Of a revision that has answered nothing yet: what an ordinary small function takes. How long nothing came free corrects it. */
const SERVICE_MS_UNKNOWN = 20
/** Of a revision that was not started here yet. */
const START_MS_UNKNOWN = 10
/** Revisions whose start is remembered; the one that was started longest ago is forgotten first. */
const STARTS_KEPT_MAX = 4_096
/** The shortest start counts, because starts beside others take longer; it is believed less with each that took longer. */
const START_GROWTH = 1.05
/** What an isolate takes in any case; a shorter one found everything waiting. */
const LEAST_MS_MIN = 5

export interface LaunchLineOptions {
  readonly clock: Clock
  readonly cores: number
  /** Whether a start for it can begin to compute now. Where it can later, `opened` follows, or it is found when it is looked next. */
  readonly mayStart: (call: Running) => boolean
  /** Instances of a revision that are there or being started. */
  readonly alive: (revisionId: string) => number
  /** Those of them that are being started. */
  readonly starting: (revisionId: string) => number
  /** Calls of it that run or are started for. */
  readonly busy: (revisionId: string) => number
  /** Mean run time in milliseconds, or undefined before the first answer. */
  readonly serviceMs: (revisionId: string) => number | undefined
  /** Gives a held call an idle instance; false where there is none. */
  readonly serve: (call: Running) => boolean
  /** Starts an instance for a held call. */
  readonly launch: (call: Running) => void
}

interface Held {
  readonly call: Running
  readonly since: number
}

interface Line {
  readonly held: Held[]
  /** Monotonic milliseconds; when an instance of the revision came free or was ready last, or the line began. */
  freedAt: number
  /** It is being gone through: what happens on the way must not begin that anew. */
  moving: boolean
}

/**
 * Calls that found no idle instance and for which none is started either, because those that run or start already will be free before a further start is worth
 * its while: a burst of 200 calls of 20 ms does not start 200 instances. They hold a slot and were not begun. At most as many wait as the node has slots.
 */
export class LaunchLine {
  readonly #options: LaunchLineOptions
  /** Those of which something was started last come last. */
  readonly #lines = new Map<string, Line>()
  readonly #starts = new Map<string, { leastMs: number; lastMs: number }>()
  #timer: Timer | undefined

  constructor(options: LaunchLineOptions) {
    this.#options = options
  }

  /** Whether anything waits: asked after every call. */
  get waiting(): boolean {
    return this.#lines.size > 0
  }

  /**
   * Takes the call when it should rather wait than start an instance. Its slot is the caller's to count.
   * @param worthOne a start is worth its while however few calls there are
   */
  hold(call: Running, worthOne = false): boolean {
    const { clock, alive, mayStart } = this.#options
    const revisionId = call.invocation.version.revisionId
    const now = clock.monotonic()
    const line = this.#lines.get(revisionId)
    const wanted = this.#wanted(revisionId, line, 1, now)
    // Whoever waits longer goes first.
    if (line === undefined && mayStart(call) && (worthOne || alive(revisionId) < wanted)) return false
    if (line === undefined) this.#lines.set(revisionId, { held: [{ call, since: now }], freedAt: now, moving: false })
    else {
      line.held.push({ call, since: now })
      this.#advance(revisionId, line, now)
    }
    this.#watch()
    return true
  }

  /** An instance of the revision came free, or went. */
  freed(revisionId: string): void {
    const line = this.#lines.get(revisionId)
    if (line === undefined) return
    const now = this.#options.clock.monotonic()
    line.freedAt = now
    this.#advance(revisionId, line, now)
  }

  /** A start can begin. Revisions take turns, so that one with many calls holds up no other. */
  opened(): void {
    const now = this.#options.clock.monotonic()
    for (const revisionId of [...this.#lines.keys()]) {
      // Asked for anew: on the way one may have ended, and another of the same revision begun.
      const line = this.#lines.get(revisionId)
      if (line !== undefined) this.#advance(revisionId, line, now)
    }
  }

  /**
   * A start ended well.
   * @param tookMs from the order to the instance being ready
   * @returns how many times the shortest of the revision's that is
   */
  started(revisionId: string, tookMs: number): number {
    const before = this.#starts.get(revisionId)
    this.#starts.delete(revisionId)
    if (this.#starts.size >= STARTS_KEPT_MAX) {
      for (const oldest of this.#starts.keys()) {
        this.#starts.delete(oldest)
        break
      }
    }
    const leastMs = before === undefined ? tookMs : Math.min(tookMs, before.leastMs * START_GROWTH)
    const start = { leastMs: Math.max(leastMs, LEAST_MS_MIN), lastMs: tookMs }
    this.#starts.set(revisionId, start)
    const line = this.#lines.get(revisionId)
    if (line !== undefined) line.freedAt = this.#options.clock.monotonic()
    return tookMs / start.leastMs
  }

  /** Milliseconds that its last start took; undefined where none is remembered. */
  startMs(revisionId: string): number | undefined {
    return this.#starts.get(revisionId)?.lastMs
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #wanted(revisionId: string, line: Line | undefined, more: number, now: number): number {
    const { alive, starting, busy, serviceMs, cores } = this.#options
    const calls = busy(revisionId) + (line?.held.length ?? 0) + more
    const stalledMs = line === undefined ? 0 : now - line.freedAt
    // While all are being started nothing can come free: that says how long starts take here and now, not calls. While some are, it says neither:
    // they take the processors from those that run, and a stall that they make must not start more of them.
    const up = alive(revisionId) > starting(revisionId)
    const service = Math.max(serviceMs(revisionId) ?? SERVICE_MS_UNKNOWN, starting(revisionId) === 0 ? stalledMs : 0)
    const start = Math.max(this.#starts.get(revisionId)?.leastMs ?? START_MS_UNKNOWN, up ? 0 : stalledMs)
    return burstSize(calls, service, start, cores)
  }

  /** Of what waited too long: no more than double what is there, so that starts do not take the processors from the instances that would come free. */
  #startsMax(revisionId: string): number {
    const { alive, starting, cores } = this.#options
    return Math.max(cores, alive(revisionId) - starting(revisionId))
  }

  #advance(revisionId: string, line: Line, now: number): void {
    if (line.moving) return
    const { alive, starting, serve, launch, mayStart } = this.#options
    line.moving = true
    let launched = false
    for (let first = line.held.shift(); first !== undefined; first = line.held.shift()) {
      // What was told already, by a node that stops, has no need of an instance.
      if (first.call.done === undefined || serve(first.call)) continue
      const late = now - first.since >= HELD_MS_MAX && starting(revisionId) < this.#startsMax(revisionId)
      if (!mayStart(first.call) || (!late && alive(revisionId) >= this.#wanted(revisionId, line, 1, now))) {
        line.held.unshift(first)
        break
      }
      launched = true
      launch(first.call)
    }
    line.moving = false
    if (launched || line.held.length === 0) this.#lines.delete(revisionId)
    if (launched && line.held.length > 0) this.#lines.set(revisionId, line)
  }

  #watch(): void {
    if (this.#timer !== undefined || this.#lines.size === 0) return
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      this.#timer = undefined
      this.opened()
      this.#watch()
    })
  }
}
