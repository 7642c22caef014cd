import { crc32 } from 'node:zlib'

/**
 * `application/vnd.amazon.eventstream`, outbound. One message:
 *
 *     u32 total length | u32 headers length | u32 CRC-32 of those eight bytes | headers | payload | u32 CRC-32 of all before
 *
 * Big-endian. A header is its name's length (u8), name, type (7: text), length of its value (u16), value.
 */
const PRELUDE_BYTES = 12
const TRAILER_BYTES = 4
const TYPE_TEXT = 7

/** Headers of one kind of message, encoded once. @param headers names of 1 to 255 bytes, values of at most 65,535 */
export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of Object.entries(headers)) {
    const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)]
    const length = Buffer.alloc(3)
    length.writeUInt8(TYPE_TEXT, 0)
    length.writeUInt16BE(valueBytes.length, 1)
    parts.push(Buffer.from([nameBytes.length]), nameBytes, length, valueBytes)
  }
  return Buffer.concat(parts)
}

/** One message of those headers and that payload. */
export function encodeMessage(headers: Buffer, payload: Uint8Array): Buffer {
  const total = PRELUDE_BYTES + headers.length + payload.length + TRAILER_BYTES
  const message = Buffer.allocUnsafe(total)
  message.writeUInt32BE(total, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  headers.copy(message, PRELUDE_BYTES)
  message.set(payload, PRELUDE_BYTES + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, total - TRAILER_BYTES)), total - TRAILER_BYTES)
  return message
}
