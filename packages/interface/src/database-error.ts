import { messageOf, PeerlessError } from './errors.ts'

/**
 * Result codes of SQLite that speak of the disk, the machine or another process and not of what is in the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL,
 * CANTOPEN (https://www.sqlite.org/rescode.html).
 */
const REFUSALS = new Set([3, 5, 6, 7, 8, 10, 13, 14])
/** The rest of an extended code says more precisely why. */
const PRIMARY_CODE = 0xff

/**
 * Why a database of this node cannot be used, in words that lead on. Whoever is told to set a file aside does so: only where the file is to blame.
 *
 * @param what the database and where it is
 * @param cause what was thrown while it was opened or read
 * @param ifDamaged what to do with a file that is damaged, or is another one's
 * @returns UNAVAILABLE where the disk refuses, else CORRUPT; `cause` itself where it is no word of SQLite's
 */
export function databaseError(what: string, cause: unknown, ifDamaged: string): unknown {
  const { errcode } = (cause ?? {}) as { errcode?: unknown }
  if (typeof errcode !== 'number') return cause
  const refused = REFUSALS.has(errcode & PRIMARY_CODE)
  const next = refused ? 'what is in it may be whole: see to the space on its disk, and to who may write there' : ifDamaged
  return new PeerlessError(refused ? 'UNAVAILABLE' : 'CORRUPT', `${what} cannot be read: ${messageOf(cause)}; ${next}`, { cause })
}
