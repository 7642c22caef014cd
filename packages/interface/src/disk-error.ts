import { messageOf, PeerlessError } from './errors.ts'

/**
 * Result codes of SQLite that speak of the disk, the machine or another process and not of what is in the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL,
 * CANTOPEN (https://www.sqlite.org/rescode.html).
 */
const SQLITE_REFUSALS = new Set([3, 5, 6, 7, 8, 10, 13, 14])
/** The rest of an extended code says more precisely why. */
const PRIMARY_CODE = 0xff
/** The same of the system's. */
const SYSTEM_REFUSALS = new Map([
  ['ENOSPC', 'no space is left'],
  ['EDQUOT', 'the quota is used up'],
  ['EROFS', 'it is read-only'],
  ['EIO', 'it fails'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open']
])

/** Whether it is the disk that refuses, and not what is on it that is wrong. */
export function isRefusedByDisk(error: unknown): boolean {
  return refusalOf(error) !== undefined
}

/**
 * Why something was not written, for whoever asked for it: no path, no stack.
 *
 * @returns UNAVAILABLE with the reason where the disk refuses, else INTERNAL
 */
export function writeError(what: string, cause: unknown): PeerlessError {
  const refusal = refusalOf(cause)
  const failed = `${what} could not be written to disk`
  return refusal === undefined
    ? new PeerlessError('INTERNAL', failed, { cause })
    : new PeerlessError('UNAVAILABLE', `${failed}: ${refusal}`, { cause })
}

function refusalOf(error: unknown): string | undefined {
  const { errcode, code } = (error ?? {}) as { errcode?: unknown; code?: unknown }
  if (typeof errcode === 'number') return SQLITE_REFUSALS.has(errcode & PRIMARY_CODE) ? messageOf(error) : undefined
  return typeof code === 'string' ? SYSTEM_REFUSALS.get(code) : undefined
}
