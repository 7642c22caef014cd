import { createHash, hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'

/** Hashed in one turn of the event loop: some 0.4 ms where the processor has instructions for it, 2 ms where not. */
const SLICE_BYTES = 524_288

/**
 * SHA-256 of bytes of any length, in slices between which others have their turn. Not in a thread: that takes a copy of the bytes, and fresh memory for
 * it costs several times what the hash does.
 */
export async function sha256Of(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length <= SLICE_BYTES) return hash('sha256', bytes, 'buffer')
  const whole = createHash('sha256')
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate()
    whole.update(bytes.subarray(at, at + SLICE_BYTES))
  }
  return whole.digest()
}

/**
 * A file in one buffer and, where nobody writes to it meanwhile, with one read: `readFile` takes memory twice, and reads 512 KB at a time. Of one that is longer than
 * `bytesMax` one byte more than that is read: it is not what was written under its name, and its hash will say so.
 */
export async function readWhole(path: string, bytesMax: number): Promise<Buffer<ArrayBuffer>> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const bytes = Buffer.allocUnsafeSlow(Math.min(size, bytesMax + 1))
    return bytes.subarray(0, await fill(file, bytes))
  } finally {
    await file.close()
  }
}

async function fill(file: FileHandle, bytes: Buffer): Promise<number> {
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
