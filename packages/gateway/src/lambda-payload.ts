import { isUtf8 } from 'node:buffer'
import { ApiError } from './api-error.ts'

/** The bytes go to the function unchanged; parsing only finds out whether they are JSON. @throws ApiError InvalidRequestContentException */
export function checkPayload(payload: Buffer): void {
  if (payload.length === 0) return
  if (!isUtf8(payload)) throw problem(encodingReason(payload))
  const text = payload.toString('utf8')
  try {
    JSON.parse(text)
  } catch (error) {
    throw problem((error as Error).message.slice(0, 200))
  }
}

function problem(reason: string): ApiError {
  return new ApiError(
    'INVALID_ARGUMENT',
    'InvalidRequestContentException',
    `Could not parse request body into json: Could not parse payload into json: ${reason}`
  )
}

/** What the service's parser says of bytes that are no UTF-8: where a value should begin any byte is a character to it, within one it decodes. */
function encodingReason(payload: Buffer): string {
  const first = payload[0] as number
  const at = (column: number) =>
    `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: 1, column: ${column}]`
  if (first >= 0x80 && first < 0xa0)
    return `Unexpected character ((CTRL-CHAR, code ${first})): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')${at(1)}`
  const bad = firstInvalid(payload)
  return `Invalid UTF-8 start byte 0x${(payload[bad] as number).toString(16)}${at(bad + 2)}`
}

/** Offset of the first byte that can be in no UTF-8 text at its place. */
function firstInvalid(payload: Buffer): number {
  // Payloads are bounded, and this is only for those that are refused: one pass over what a decoder makes of it.
  const [good = ''] = payload.toString('utf8').split('\ufffd', 1)
  return Math.min(Buffer.byteLength(good), payload.length - 1)
}
