import { type Clock, isPeerlessError, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import type { Admission } from './admission.ts'
import {
  PAGE_ENTRIES_MAX,
  REFUSAL_LOG_PERIOD_MS,
  REFUSALS_REMEMBERED_MAX,
  REFUSED_WORK_MS_MAX,
  REFUSED_WORK_PERIOD_MS
} from './constants.ts'
import type { Origin, Writer } from './writer.ts'

export interface IntakeOptions {
  readonly admission: Admission
  readonly writer: Writer
  readonly clock: Clock
  readonly logger: Logger
}

/** Takes entries that peers sent. One bad entry never keeps the others out. */
export class Intake {
  readonly #options: IntakeOptions
  /** When a refusal of one sender and code was last logged, monotonic milliseconds. */
  readonly #logged = new Map<string, number>()
  #refused = 0
  /** What entries took of this period that were refused, by sender. */
  readonly #wasted = new Map<string | undefined, number>()
  #wastedSince = Number.NEGATIVE_INFINITY

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Entries refused since start. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Resolves when what was news is on disk, with how many were refused because their author is no member, or not known as one yet.
   * @throws INTERNAL, BUSY: too much that came from there was refused, a moment ago
   */
  async take(envelopes: readonly Uint8Array[], origin: Origin): Promise<number> {
    const { admission, writer, clock } = this.#options
    this.#checkWaste(origin.from)
    let strangers = 0
    for (const envelope of envelopes) {
      const began = clock.monotonic()
      try {
        const entry = admission.admit(envelope)
        if (entry !== undefined) writer.stage({ entry, envelope, origin })
      } catch (error) {
        if (isPeerlessError(error, 'NOT_A_MEMBER')) strangers++
        this.#wasted.set(origin.from, (this.#wasted.get(origin.from) ?? 0) + clock.monotonic() - began)
        this.#refuse(error, origin)
      }
    }
    await writer.settled()
    return strangers
  }

  #checkWaste(from: string | undefined): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#wastedSince >= REFUSED_WORK_PERIOD_MS) {
      this.#wastedSince = now
      this.#wasted.clear()
    }
    if ((this.#wasted.get(from) ?? 0) < REFUSED_WORK_MS_MAX) return
    throw new PeerlessError('BUSY', 'entries that came from there a moment ago took too much time and were refused')
  }

  /** The same entry comes again with every round of anti-entropy, so a refusal is said once a minute. */
  #refuse(error: unknown, origin: Origin): void {
    const { clock, logger } = this.#options
    this.#refused++
    const code = isPeerlessError(error) ? error.code : 'INTERNAL'
    const about = `${origin.from} ${code}`
    const last = this.#logged.get(about)
    if (last !== undefined && clock.monotonic() - last < REFUSAL_LOG_PERIOD_MS) return
    if (this.#logged.size >= REFUSALS_REMEMBERED_MAX) this.#logged.clear()
    this.#logged.set(about, clock.monotonic())
    logger.warn('catalog entry refused', { from: origin.from, code, reason: messageOf(error), refused: this.#refused })
  }
}

export function encodeEnvelopes(envelopes: readonly Uint8Array[]): Uint8Array {
  return encode(envelopes)
}

/** @throws MALFORMED */
export function decodeEnvelopes(alleged: Uint8Array): Uint8Array[] {
  return checkEnvelopes(decode(alleged, 'catalog entries'))
}

/** @throws MALFORMED */
export function checkEnvelopes(alleged: unknown): Uint8Array[] {
  const whole = Array.isArray(alleged) && alleged.length <= PAGE_ENTRIES_MAX && alleged.every((one) => one instanceof Uint8Array)
  if (!whole) throw new PeerlessError('MALFORMED', `catalog entries come as an array of at most ${PAGE_ENTRIES_MAX} byte strings`)
  return alleged
}
