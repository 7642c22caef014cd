import { FUNCTION_NAME, type IncomingRequest, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { PERMITS_MAX } from './constants.ts'
import type { Recalled } from './permit-book.ts'

/*
 * RESERVE: [name, reserved, count, held before], answered with the number of permits granted; [name, 0, change] says that so many more (below zero: fewer) than before are
 * held, answered with 0. RESERVE_RECALL: [name, count], answered with [given back now, owed: they follow as calls end, held].
 */

/** Answers a request with what `read` makes of its header, or with why it is malformed. */
export function takeChecked(peerId: string, request: IncomingRequest, logger: Logger, read: (header: unknown[]) => void): void {
  try {
    read(Array.isArray(request.header) ? request.header : [])
  } catch (error) {
    if (!(error instanceof PeerlessError)) throw error
    logger.warn('a peer sent a malformed message about permits', { peerId, reason: messageOf(error) })
    request.fail(error)
  }
}

/** @throws PeerlessError MALFORMED */
export function nameFromWire(alleged: unknown): string {
  if (typeof alleged === 'string' && FUNCTION_NAME.test(alleged)) return alleged
  throw new PeerlessError('MALFORMED', `permits are of a function, by a name of ${FUNCTION_NAME.source}`)
}

/** @throws PeerlessError MALFORMED */
export function countFromWire(alleged: unknown, min: number, max: number = PERMITS_MAX): number {
  if (typeof alleged === 'number' && Number.isInteger(alleged) && alleged >= min && alleged <= max) return alleged
  throw new PeerlessError('MALFORMED', `a number of permits must be a whole number from ${min} to ${max}`)
}

/** What a peer answered; 0 where it is none of the numbers that it may be. */
export function answerFromWire(alleged: unknown, max: number): number {
  return typeof alleged === 'number' && Number.isInteger(alleged) && alleged >= 0 && alleged <= max ? alleged : 0
}

/** What a holder answered to a recall of `count`; as answerFromWire. */
export function recalledFromWire(alleged: unknown, count: number): Recalled {
  const [back, owed, held] = Array.isArray(alleged) ? alleged : []
  return { back: answerFromWire(back, count), owed: answerFromWire(owed, PERMITS_MAX), held: answerFromWire(held, PERMITS_MAX) }
}
