import { jsonStringify } from './intrinsics.guest.ts'

let bytesMax = 0

export function configurePayload(payloadBytesMax: number): void {
  bytesMax = payloadBytesMax
}

/** What is certainly too large does not cross to the executor: each copy of it there would count as nobody's memory. UTF-8 has no fewer bytes than characters. */
export function isTooLarge(body: string | Uint8Array): boolean {
  return body.length > bytesMax
}

/** As recorded on AWS. */
export function tooLargeJson(): string {
  return jsonStringify({
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`
  })
}
