import { FUNCTION_NAME, type IncomingRequest, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { PERMITS_MAX } from './constants.ts'

/*
 * Everything that changes the count of a holder is said by the holder itself, in RESERVE and in the order in which it happened: the streams of the two directions
 * between two nodes know no common order.
 *
 * RESERVE: [name, reserved, count] asks for permits, answered with the number granted;
 *   [name, 0, change] says that so many more (below zero: fewer) are held than before, answered with 0;
 *   [name, -1, held] says that so many are held; never while a question of the same holder is under way, answered with 0.
 * RESERVE_RECALL: [name, count], answered when what comes of it was said: with 1 where more follows as calls end, else with 0.
 */
export const CHANGES = 0
export const HOLDS = -1

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
export function countFromWire(alleged: unknown, min: number): number {
  if (typeof alleged === 'number' && Number.isInteger(alleged) && alleged >= min && alleged <= PERMITS_MAX) return alleged
  throw new PeerlessError('MALFORMED', `a number of permits must be a whole number from ${min} to ${PERMITS_MAX}`)
}

/** What a peer answered; 0 where it is none of the numbers that it may be. */
export function answerFromWire(alleged: unknown, max: number): number {
  return typeof alleged === 'number' && Number.isInteger(alleged) && alleged >= 0 && alleged <= max ? alleged : 0
}
