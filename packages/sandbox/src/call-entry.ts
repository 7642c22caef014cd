import { isAscii } from 'node:buffer'
import type { InvokeHeader } from './executor-protocol.ts'
import { KIND_BASE64 } from './outcome-numbers.ts'

/** From this size on it pays to look first whether bytes are ASCII: then they are copied as they are, at a quarter of the cost of decoding. */
const LOOK_BYTES_MIN = 1_024

/**
 * What a call enters its isolate with: the event and, where that came behind it as bytes, its body as text.
 * @param meta what else changed since the instance's call before, as JSON
 */
export function entryOf(
  payload: Uint8Array,
  [, kind, timeoutMs, requestId, bodyBytes]: InvokeHeader,
  meta: string | undefined
): (string | number | undefined)[] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  if (bodyBytes === 0) return [textOf(bytes), requestId, kind, timeoutMs, meta]
  const start = Math.max(0, bytes.length - bodyBytes)
  const body = bytes.subarray(start)
  const text = (kind & KIND_BASE64) === 0 ? textOf(body) : body.toString('base64')
  return [textOf(bytes.subarray(0, start)), requestId, kind, timeoutMs, meta, text]
}

function textOf(bytes: Buffer): string {
  return bytes.length >= LOOK_BYTES_MIN && isAscii(bytes) ? bytes.toString('latin1') : bytes.toString()
}
