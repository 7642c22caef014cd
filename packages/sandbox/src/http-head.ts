import { PeerlessError } from '@peerless/interface'

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110, section 5.5: visible characters, space, tab and the upper half of latin1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const HEADERS_MAX = 200
const HEADER_BYTES_MAX = 32_768

/**
 * Checks what a function answered with before anything outside the isolate sees it.
 * @param joined name NUL value NUL name NUL value, as the glue sends it
 * @throws PeerlessError INVALID_ARGUMENT naming the header and the rule
 */
export function checkHeaders(joined: string): string[] {
  if (joined === '') return []
  if (joined.length > HEADER_BYTES_MAX) {
    throw new PeerlessError('INVALID_ARGUMENT', `headers of ${joined.length} bytes must be at most ${HEADER_BYTES_MAX}`)
  }
  const flat = joined.split('\0')
  if (flat.length > 2 * HEADERS_MAX) {
    throw new PeerlessError('INVALID_ARGUMENT', `${flat.length / 2} headers must be at most ${HEADERS_MAX}`)
  }
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index] as string
    const value = flat[index + 1]
    if (!TOKEN.test(name)) throw new PeerlessError('INVALID_ARGUMENT', `header name '${name.slice(0, 100)}' must be a token`)
    if (value === undefined || !VALUE.test(value)) {
      throw new PeerlessError('INVALID_ARGUMENT', `value of header '${name}' must be latin1 text without control characters`)
    }
  }
  return flat
}

export function checkStatusCode(alleged: unknown): number {
  if (typeof alleged === 'number' && Number.isInteger(alleged) && alleged >= 200 && alleged <= 599) return alleged
  throw new PeerlessError('INVALID_ARGUMENT', `statusCode ${String(alleged)} must be an integer from 200 to 599`)
}
