import { isRefusedByDisk } from './disk-error.ts'
import { messageOf, PeerlessError } from './errors.ts'

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
  const refused = isRefusedByDisk(cause)
  const next = refused ? 'what is in it may be whole: see to the space on its disk, and to who may write there' : ifDamaged
  return new PeerlessError(refused ? 'UNAVAILABLE' : 'CORRUPT', `${what} cannot be read: ${messageOf(cause)}; ${next}`, { cause })
}
