import { type Results, SlowdownHistogram } from './_metrics.ts'
import type { SimulationOptions } from './_options.ts'
import { isSilent } from './_policies.ts'
import type { Call, SimNode } from './_sim-node.ts'

const NONE = {
  calls: 0,
  cold: 0,
  bounces: 0,
  attempts: 0,
  waited: 0,
  refused: 0,
  errors: 0,
  forwarded: 0,
  far: 0,
  sunk: 0,
  beside: 0
}

/** What is counted of the calls that come after the warm-up, and what follows from it. */
export class Tally {
  readonly #o: SimulationOptions
  readonly #slowdowns = new SlowdownHistogram()
  readonly #counts = { ...NONE }
  #beacons = 0

  constructor(options: SimulationOptions) {
    this.#o = options
  }

  /** It waits for the first time. */
  waits(call: Call): void {
    this.#add(call, 'waited')
  }

  /** It is sent to a place. */
  tried(call: Call): void {
    this.#add(call, 'attempts')
  }

  bounced(call: Call): void {
    this.#add(call, 'bounces')
  }

  finished(call: Call, now: number): void {
    if (!this.#measured(call)) return
    const { arrival, at, caller } = call
    this.#counts.calls++
    if (call.cold) this.#counts.cold++
    if (at !== caller) this.#counts.forwarded++
    if (at.zone !== caller.zone) this.#counts.far++
    this.#slowdowns.add((now - arrival.at) / arrival.service)
  }

  failed(call: Call): void {
    this.#add(call, 'calls')
    this.#add(call, 'errors')
    if (call.at.failing === 'fast') this.#add(call, 'sunk')
  }

  /** It waited for too long. */
  refused(call: Call): void {
    this.#add(call, 'calls')
    this.#add(call, 'refused')
  }

  launchedBeside(now: number): void {
    if (now >= this.#o.warmUpMs) this.#counts.beside++
  }

  published(now: number): void {
    if (now >= this.#o.warmUpMs) this.#beacons++
  }

  /**
   * @param end virtual milliseconds at which the measured time is over
   * @param degree peers that a beacon goes to, in the mean
   */
  results(nodes: readonly SimNode[], end: number, degree: number): Omit<Results, 'events' | 'seconds'> {
    const { calls, cold, bounces, attempts, waited, refused, errors, forwarded, far, sunk, beside } = this.#counts
    const whole = Math.max(1, calls)
    const sound = nodes.filter((node) => node.failing === 'no')
    for (const node of sound) {
      node.occupy(1, end)
      node.occupy(-1, end)
    }
    const loads = sound.map((node) => node.busyMs / node.slots / this.#o.measureMs)
    const meanLoad =
      sound.reduce((sum, { busyMs }) => sum + busyMs, 0) / this.#o.measureMs / sound.reduce((sum, { slots }) => sum + slots, 0)
    const failing = nodes.filter((node) => node.failing === 'fast').length
    const refusalMessages = (2 * bounces) / whole
    const beaconMessages = isSilent(this.#o.policy) ? 0 : this.#beacons / whole
    return {
      calls,
      p50: this.#slowdowns.quantile(0.5),
      p99: this.#slowdowns.quantile(0.99),
      p999: this.#slowdowns.quantile(0.999),
      coldShare: cold / whole,
      maxOverMean: loads.reduce((most, load) => Math.max(most, load), 0) / meanLoad,
      meanLoad,
      messages: refusalMessages + beaconMessages,
      refusalMessages,
      beaconMessages,
      beaconCopies: degree * beaconMessages,
      bounces: bounces / Math.max(1, attempts),
      waited: waited / whole,
      refused: refused / whole,
      errors: errors / whole,
      forwarded: forwarded / whole,
      far: far / whole,
      sinkhole: failing === 0 ? 0 : sunk / whole / (failing / nodes.length),
      launchesBeside: beside / whole
    }
  }

  #add(call: Call, what: keyof typeof NONE): void {
    if (this.#measured(call)) this.#counts[what]++
  }

  #measured(call: Call): boolean {
    return call.arrival.at >= this.#o.warmUpMs
  }
}
