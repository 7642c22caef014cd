import { PeerlessError } from '@peerless/interface'

/** Values of one message, nested ones included: a page of 100,000 indexes fits, and what is made of them stays below some 16 MB. */
const VALUES_MAX = 262_144

/**
 * Checks, before anything is made of them, that bytes are exactly one CBOR value of numbers, text, bytes, lists, maps and simple values, all of
 * definite length: what `encode` writes. Tags are refused: nothing here means anything by them, and decoders make big integers, patterns,
 * errors and shared references of them. (cbor-x takes 40 s for an integer of 256 KiB, on the thread that serves calls.)
 * One pass without recursion; text and bytes are skipped by their length, so it costs a few nanoseconds per value.
 * @throws PeerlessError MALFORMED naming the place
 */
export function checkPlainCbor(bytes: Uint8Array, source: string): void {
  const end = bytes.length
  let at = 0
  let values = 0
  for (let pending = 1; pending > 0; pending--) {
    if (at >= end) throw malformed(source, bytes, at, 'it ends too early')
    const head = bytes[at++] as number
    const major = head >> 5
    let count = head & 0x1f
    if (count >= 24) {
      if (count > 27) throw malformed(source, bytes, at - 1, 'a value has no definite length')
      const width = 1 << (count - 24)
      if (at + width > end) throw malformed(source, bytes, at, 'it ends too early')
      count = 0
      for (const stop = at + width; at < stop; at++) count = count * 256 + (bytes[at] as number)
    }
    if (major === 2 || major === 3) {
      if (count > end - at) throw malformed(source, bytes, at, 'it ends too early')
      at += count
    } else if (major === 4 || major === 5) {
      const inner = major === 4 ? count : count * 2
      values += inner
      if (inner > end - at || values > VALUES_MAX) {
        throw malformed(source, bytes, at, `${inner} values more are above what follows, or above ${VALUES_MAX} in all`)
      }
      pending += inner
    } else if (major === 6) throw malformed(source, bytes, at, 'a tag is not taken')
  }
  if (at < end) throw malformed(source, bytes, at, `${end - at} bytes too many`)
}

function malformed(source: string, bytes: Uint8Array, at: number, why: string): PeerlessError {
  return new PeerlessError('MALFORMED', `${source}: ${bytes.length} bytes are not one CBOR value: ${why} at byte ${at}`)
}
