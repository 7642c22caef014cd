import { type Clock, isPeerlessError, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import type { Admission } from './admission.ts'
import { PAGE_ENTRIES_MAX, REFUSAL_LOG_PERIOD_MS, REFUSALS_REMEMBERED_MAX } from './constants.ts'
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

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Entries refused since start. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Resolves when what was news is on disk, with how many were refused because their author is no member, or not known as one yet.
   * @throws INTERNAL
   */
  async take(envelopes: readonly Uint8Array[], origin: Origin): Promise<number> {
    const { admission, writer } = this.#options
    let strangers = 0
    for (const envelope of envelopes) {
      try {
        const entry = admission.admit(envelope)
        if (entry !== undefined) writer.stage({ entry, envelope, origin })
      } catch (error) {
        if (isPeerlessError(error, 'NOT_A_MEMBER')) strangers++
        this.#refuse(error, origin)
      }
    }
    await writer.settled()
    return strangers
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
