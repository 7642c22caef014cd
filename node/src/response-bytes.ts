import { PeerlessError } from '@peerless/interface'

/** A whole body. @throws TOO_LARGE, and whatever the connection says */
export async function responseBytes(response: Response, bytesMax: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // Leaving the loop ends the transfer.
    if (bytes > bytesMax) throw new PeerlessError('TOO_LARGE', `${what} has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
