import { type Clock, didRun, type OnAnswer, type PeerlessError, type ResolvedFunction } from '@peerless/interface'
import { LatencyHistogram, type LatencySample } from '@peerless/routing'
import { LATENCY_VERSIONS_MAX } from './constants.ts'

/** What this node's clients felt of one version since the last look. */
interface Page {
  readonly functionName: string
  readonly version: string
  inFlight: number
  sample: OpenSample
}

interface OpenSample extends LatencySample {
  calls: number
  seen: number
  seenSquares: number
  busyMs: number
  startMs: number | undefined
  readonly late: { service: number; capacity: number; cold: number; wait: number }
}

/** A sample and whose it is. */
export interface FunctionSample {
  readonly functionName: string
  readonly version: string
  readonly sample: LatencySample
}

/** Takes the time of calls whose function has a latency target; the others never come here. */
export class LatencyBook {
  readonly #clock: Clock
  readonly #pages = new Map<string, Page>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A call came in.
   * @returns what to call instead of `done`
   */
  enter({ record, version: { version } }: ResolvedFunction, targetMs: number, done: OnAnswer): OnAnswer {
    const page = this.#pageOf(record.name, version)
    if (page === undefined) return done
    const began = this.#clock.monotonic()
    const others = page.inFlight++
    return (error, answer) => {
      page.inFlight--
      const tookMs = this.#clock.monotonic() - began
      if (error === undefined) answered(page.sample, others, tookMs, targetMs, answer)
      else failed(page.sample, others, tookMs, error)
      done(error, answer)
    }
  }

  /** Everything since the last time. */
  take(): FunctionSample[] {
    const taken: FunctionSample[] = []
    for (const [key, page] of this.#pages) {
      const { functionName, version, sample } = page
      if (sample.calls > 0) {
        taken.push({ functionName, version, sample })
        page.sample = emptySample()
      } else if (page.inFlight === 0) this.#pages.delete(key)
    }
    return taken
  }

  #pageOf(functionName: string, version: string): Page | undefined {
    const key = `${functionName}:${version}`
    const known = this.#pages.get(key)
    if (known !== undefined) return known
    if (this.#pages.size >= LATENCY_VERSIONS_MAX) return undefined
    const page = { functionName, version, inFlight: 0, sample: emptySample() }
    this.#pages.set(key, page)
    return page
  }
}

function answered(sample: OpenSample, others: number, tookMs: number, targetMs: number, answer: Parameters<OnAnswer>[1]): void {
  count(sample, others, tookMs)
  sample.latency.add(tookMs)
  const outcome = answer?.outcome
  if (outcome === undefined || !didRun(outcome)) return
  const { durationMs, initMs, cold } = outcome.usage
  sample.service.add(durationMs)
  if (initMs !== undefined) sample.startMs = initMs
  if (tookMs > targetMs) sample.late[durationMs > targetMs ? 'service' : cold ? 'cold' : 'wait']++
}

/** What never got a place is late however soon it was told so, and so is what got no answer. Other refusals are not for want of instances. */
function failed(sample: OpenSample, others: number, tookMs: number, { code }: PeerlessError): void {
  if (code === 'NO_CAPACITY') sample.late.capacity++
  else if (code === 'DEADLINE_EXCEEDED' || code === 'CONNECTION_LOST') sample.late.wait++
  else return
  count(sample, others, tookMs)
}

function count(sample: OpenSample, others: number, tookMs: number): void {
  sample.calls++
  sample.seen += others
  sample.seenSquares += others * others
  sample.busyMs += tookMs
}

function emptySample(): OpenSample {
  return {
    calls: 0,
    seen: 0,
    seenSquares: 0,
    busyMs: 0,
    startMs: undefined,
    late: { service: 0, capacity: 0, cold: 0, wait: 0 },
    latency: new LatencyHistogram(),
    service: new LatencyHistogram()
  }
}
