import type ivm from 'isolated-vm'
import { FETCHES_MAX, JOB, JOBS_MAX, RESUME, VERB } from './bridge-operations.ts'
import type { HostServices } from './host-services.ts'
import { HostedFetch } from './hosted-fetch.ts'
import { ZlibShelf } from './hosted-zlib.ts'
import { webCrypto } from './web-crypto.ts'

/** Operations of cryptography or compression of one instance on libuv's threads at a time: there are four for all. */
const RUNNING_MAX = 4
const ERROR_CHARS_MAX = 1_000

/** What one job may use. */
export interface JobHost {
  readonly services: HostServices
  readonly instance: number
  /** Tells the guest; the guest hears of it in an entry of its own. */
  resume(status: number, text: string, bytes?: Uint8Array): void
  log(level: number, text: string): void
  leftMs(): number
}

/** A job that goes on after it was started. */
export interface Job {
  more(verb: unknown, value: unknown, bytes: Uint8Array | undefined): void
  /** Gives it up without a word to the guest. */
  end(): void
}

/** Job, RESUME status, text, bytes. */
export type News = [id: number, status: number, text: string, bytes: ivm.Copy<Uint8Array> | undefined]

export interface GuestJobsOptions {
  readonly services: HostServices
  readonly instance: number
  /** What ENTER.RESUME takes. */
  resume(news: News): void
  log(level: number, text: string): void
  leftMs(): number
}

/**
 * What the executor does for one isolate while that goes on: cryptography and compression on other threads, outbound requests through
 * the daemon. What comes in is guest code's, so it is checked here; what goes back are texts and copies.
 */
export class GuestJobs {
  readonly #options: GuestJobsOptions
  readonly #open = new Map<number, Job | undefined>()
  readonly #waiting: (() => void)[] = []
  readonly #zlib = new ZlibShelf()
  #running = 0
  #fetches = 0
  #gone = false

  constructor(options: GuestJobsOptions) {
    this.#options = options
  }

  start(id: unknown, operation: unknown, text: unknown, bytes: unknown): void {
    if (typeof id !== 'number' || this.#open.has(id)) return
    if (this.#open.size >= JOBS_MAX) {
      this.#later(id, `${this.#open.size} jobs are under way, at most ${JOBS_MAX}`)
      return
    }
    this.#open.set(id, undefined)
    const json = typeof text === 'string' ? text : '{}'
    const input = bytes instanceof Uint8Array ? bytes : undefined
    if (operation === JOB.FETCH) this.#fetch(id, json, input)
    else if (operation === JOB.CRYPTO) this.#queue(id, () => webCrypto(json, input))
    else if (operation === JOB.ZLIB) this.#queue(id, () => this.#zlib.step(json, input))
    else this.#settle(id, RESUME.FAILED, errorText(new TypeError('an unknown job')))
  }

  more(id: unknown, verb: unknown, value: unknown, bytes: unknown): void {
    const job = typeof id === 'number' ? this.#open.get(id) : undefined
    if (job === undefined) return
    job.more(verb, value, bytes instanceof Uint8Array ? bytes : undefined)
    // Nobody listens to it any more.
    if (verb !== VERB.ABORT) return
    this.#open.delete(id as number)
    this.#fetches--
  }

  /** Outbound requests do not outlive the call that they began in, or the first after the start. */
  endOfCall(): void {
    if (this.#open.size === 0) return
    for (const [id, job] of this.#open) {
      if (job === undefined) continue
      job.end()
      const message = 'the invocation ended before the response was read'
      this.#settle(id, RESUME.FAILED, JSON.stringify({ name: 'EgressError', rule: 'invocation', message }))
    }
  }

  dispose(): void {
    this.#gone = true
    for (const job of this.#open.values()) job?.end()
    this.#open.clear()
    this.#waiting.length = 0
    this.#zlib.dispose()
  }

  #fetch(id: number, json: string, body: Uint8Array | undefined): void {
    const { services, instance, log, leftMs } = this.#options
    const resume = (status: number, text: string, bytes?: Uint8Array) => {
      if (status <= RESUME.FAILED) this.#settle(id, status, text)
      else if (!this.#gone) this.#tell(id, status, text, bytes)
    }
    // The glue keeps this by itself; a guest that got around the glue is refused.
    if (this.#fetches >= FETCHES_MAX) {
      this.#open.delete(id)
      this.#later(id, `${this.#fetches} requests are under way, at most ${FETCHES_MAX}`)
      return
    }
    try {
      this.#fetches++
      this.#open.set(id, new HostedFetch({ services, instance, resume, log, leftMs }, json, body))
    } catch (error) {
      this.#fetches--
      this.#open.delete(id)
      this.#later(id, error instanceof Error ? error.message : String(error))
    }
  }

  #queue(id: number, run: () => Promise<{ text: string; bytes?: Uint8Array }>): void {
    const begin = () => {
      this.#running++
      run().then(
        ({ text, bytes }) => this.#ran(id, RESUME.DONE, text, bytes),
        (error: unknown) => this.#ran(id, RESUME.FAILED, errorText(error))
      )
    }
    if (this.#running >= RUNNING_MAX) this.#waiting.push(begin)
    else begin()
  }

  #ran(id: number, status: number, text: string, bytes?: Uint8Array): void {
    this.#running--
    this.#settle(id, status, text, bytes)
    this.#waiting.shift()?.()
  }

  #tell(id: number, status: number, text: string, bytes?: Uint8Array): void {
    const { addon } = this.#options.services
    const copy = bytes === undefined ? undefined : new addon.ExternalCopy(bytes).copyInto({ release: true })
    this.#options.resume([id, status, text, copy])
  }

  #settle(id: number, status: number, text: string, bytes?: Uint8Array): void {
    if (this.#open.get(id) !== undefined) this.#fetches--
    if (!this.#open.delete(id) || this.#gone) return
    this.#tell(id, status, text, bytes)
  }

  /** Not within the guest's own call: it has not heard of the job's number yet. */
  #later(id: number, message: string): void {
    queueMicrotask(() => {
      if (!this.#gone) this.#tell(id, RESUME.FAILED, errorText(new TypeError(message)))
    })
  }
}

/** Name and message of an error of Node's own, which say nothing of this machine. */
function errorText(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: 'the operation failed' }
  return JSON.stringify({ name: String(name), message: String(message).slice(0, ERROR_CHARS_MAX) })
}
