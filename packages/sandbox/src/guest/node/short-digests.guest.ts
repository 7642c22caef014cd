/** Messages up to so many bytes are hashed here: some microseconds, where a crossing to the executor takes up to 50. */
const HERE_MAX = 1_024
const BLOCK_BYTES = 64
const INNER = 0x36
const OUTER = 0x5c

interface Digest {
  readonly start: readonly number[]
  readonly littleEndian: boolean
  /** Takes the block that begins there into the state. */
  compress(state: Int32Array, block: DataView, at: number): void
}

/** The first 32 bits of the fractions of what primes are mapped to, from which FIPS 180-4 takes its constants. */
function fractions(count: number, of: (prime: number) => number): Int32Array {
  const made = new Int32Array(count)
  for (let prime = 2, index = 0; index < count; prime++) {
    let divisor = 2
    while (divisor * divisor <= prime && prime % divisor !== 0) divisor++
    if (divisor * divisor > prime) made[index++] = Math.floor((of(prime) % 1) * 2 ** 32) | 0
  }
  return made
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))
const words = new Int32Array(80)
const sha256Words = fractions(64, Math.cbrt)
/** RFC 1321, section 3.4. */
const md5Words = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0)
const md5Bits = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const SHA1_START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]

/** FIPS 180-4, section 6.2.2. */
function compressSha256(state: Int32Array, block: DataView, at: number): void {
  for (let index = 0; index < 16; index++) words[index] = block.getInt32(at + 4 * index)
  for (let index = 16; index < 64; index++) {
    const old = words[index - 15] as number
    const recent = words[index - 2] as number
    const low = rotateLeft(old, 25) ^ rotateLeft(old, 14) ^ (old >>> 3)
    const high = rotateLeft(recent, 15) ^ rotateLeft(recent, 13) ^ (recent >>> 10)
    words[index] = (words[index - 16] as number) + low + (words[index - 7] as number) + high
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let index = 0; index < 64; index++) {
    const high = rotateLeft(e, 26) ^ rotateLeft(e, 21) ^ rotateLeft(e, 7)
    const first = (h + high + ((e & f) ^ (~e & g)) + (sha256Words[index] as number) + (words[index] as number)) | 0
    const second = ((rotateLeft(a, 30) ^ rotateLeft(a, 19) ^ rotateLeft(a, 10)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  addTo(state, [a, b, c, d, e, f, g, h])
}

/** FIPS 180-4, section 6.1.2. */
function compressSha1(state: Int32Array, block: DataView, at: number): void {
  for (let index = 0; index < 16; index++) words[index] = block.getInt32(at + 4 * index)
  for (let index = 16; index < 80; index++) {
    const mixed = (words[index - 3] as number) ^ (words[index - 8] as number) ^ (words[index - 14] as number)
    words[index] = rotateLeft(mixed ^ (words[index - 16] as number), 1)
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number]
  for (let index = 0; index < 80; index++) {
    let chosen = b ^ c ^ d
    let constant = index < 40 ? 0x6ed9eba1 : 0xca62c1d6
    if (index < 20) {
      chosen = (b & c) | (~b & d)
      constant = 0x5a827999
    } else if (index >= 40 && index < 60) {
      chosen = (b & c) | (b & d) | (c & d)
      constant = 0x8f1bbcdc
    }
    const next = (rotateLeft(a, 5) + chosen + e + constant + (words[index] as number)) | 0
    e = d
    d = c
    c = rotateLeft(b, 30)
    b = a
    a = next
  }
  addTo(state, [a, b, c, d, e])
}

/** RFC 1321, section 3.4. */
function compressMd5(state: Int32Array, block: DataView, at: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number]
  for (let index = 0; index < 64; index++) {
    const round = index >> 4
    let chosen = (b & c) | (~b & d)
    let word = index
    if (round === 1) {
      chosen = (d & b) | (~d & c)
      word = 5 * index + 1
    } else if (round === 2) {
      chosen = b ^ c ^ d
      word = 3 * index + 5
    } else if (round === 3) {
      chosen = c ^ (b | ~d)
      word = 7 * index
    }
    const sum = (a + chosen + (md5Words[index] as number) + block.getInt32(at + 4 * (word & 15), true)) | 0
    a = d
    d = c
    c = b
    b = (b + rotateLeft(sum, md5Bits[4 * round + (index & 3)] as number)) | 0
  }
  addTo(state, [a, b, c, d])
}

function addTo(state: Int32Array, more: readonly number[]): void {
  for (let index = 0; index < more.length; index++) state[index] = (state[index] as number) + (more[index] as number)
}

const DIGESTS: ReadonlyMap<string, Digest> = new Map([
  ['sha256', { start: [...fractions(8, Math.sqrt)], littleEndian: false, compress: compressSha256 }],
  ['sha1', { start: SHA1_START, littleEndian: false, compress: compressSha1 }],
  ['md5', { start: SHA1_START.slice(0, 4), littleEndian: true, compress: compressMd5 }]
])

const digestOf = (algorithm: string): Digest | undefined => DIGESTS.get(algorithm) ?? DIGESTS.get(algorithm.toLowerCase())

/** Whether there is such an algorithm here. */
export function isDigestHere(algorithm: string): boolean {
  return digestOf(algorithm) !== undefined
}

/** undefined where the executor has to be asked. */
export function digestHere(algorithm: string, message: Uint8Array): Uint8Array | undefined {
  const digest = digestOf(algorithm)
  return digest === undefined || message.length > HERE_MAX ? undefined : run(digest, message)
}

/** RFC 2104. undefined where the executor has to be asked. */
export function hmacHere(algorithm: string, key: Uint8Array, message: Uint8Array): Uint8Array | undefined {
  const digest = digestOf(algorithm)
  if (digest === undefined || key.length + message.length > HERE_MAX) return undefined
  const short = key.length > BLOCK_BYTES ? run(digest, key) : key
  const padded = (byte: number, text: Uint8Array): Uint8Array => {
    const made = new Uint8Array(BLOCK_BYTES + text.length).fill(byte, 0, BLOCK_BYTES)
    for (let index = 0; index < short.length; index++) made[index] = (short[index] as number) ^ byte
    made.set(text, BLOCK_BYTES)
    return made
  }
  return run(digest, padded(OUTER, run(digest, padded(INNER, message))))
}

function run({ start, littleEndian, compress }: Digest, message: Uint8Array): Uint8Array {
  // Behind the message are a bit and its length in bits, of 64.
  const padded = new DataView(new ArrayBuffer((((message.length + 8) >> 6) + 1) * BLOCK_BYTES))
  const bytes = new Uint8Array(padded.buffer)
  bytes.set(message)
  bytes[message.length] = 0x80
  padded.setUint32(bytes.length - (littleEndian ? 8 : 4), message.length * 8, littleEndian)
  const state = Int32Array.from(start)
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) compress(state, padded, at)
  const made = new DataView(new ArrayBuffer(state.length * 4))
  for (let index = 0; index < state.length; index++) made.setInt32(index * 4, state[index] as number, littleEndian)
  return new Uint8Array(made.buffer)
}
