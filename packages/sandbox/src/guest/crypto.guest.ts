import { ASK, RANDOM_BYTES_MAX } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { bytesOf, TextEncoder } from './encoding.guest.ts'

const POOL_BYTES = 4_096
const RANDOM_CALL_BYTES_MAX = 16_777_216
const HASHED_BYTES_MAX = 67_108_864

let pool = new Uint8Array(0)
let used = 0

/** Random bytes of the executor; small requests share a pool, so that an id does not cost a crossing. */
export function random(count: number): Uint8Array {
  if (count > POOL_BYTES / 8) return randomAcross(count)
  if (used + count > pool.length) {
    pool = ask(ASK.RANDOM, POOL_BYTES) as Uint8Array<ArrayBuffer>
    used = 0
  }
  const bytes = pool.slice(used, used + count)
  pool.fill(0, used, used + count)
  used += count
  return bytes
}

function randomAcross(count: number): Uint8Array {
  if (!(count >= 0 && count <= RANDOM_CALL_BYTES_MAX)) {
    throw new RangeError(`${count} random bytes were asked for, at most ${RANDOM_CALL_BYTES_MAX}`)
  }
  const bytes = new Uint8Array(count)
  for (let at = 0; at < count; at += RANDOM_BYTES_MAX) {
    bytes.set(ask(ASK.RANDOM, Math.min(RANDOM_BYTES_MAX, count - at)) as Uint8Array, at)
  }
  return bytes
}

export function randomUUID(): string {
  const bytes = random(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toHex()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function getRandomValues<View extends ArrayBufferView>(view: View): View {
  if (!ArrayBuffer.isView(view)) throw new TypeError('getRandomValues needs a typed array of integers')
  if (view.byteLength > RANDOM_BYTES_MAX) {
    throw new RangeError(`QuotaExceededError: ${view.byteLength} bytes were asked for, at most ${RANDOM_BYTES_MAX}`)
  }
  bytesOf(view).set(random(view.byteLength))
  return view
}

export function digest(algorithm: string, key: Uint8Array | undefined, bytes: Uint8Array): Uint8Array {
  const answer = ask(ASK.HASH, algorithm, key, bytes)
  if (answer === undefined) throw new Error(`Digest method not supported: '${algorithm.slice(0, 40)}'`)
  return answer as Uint8Array
}

type Input = string | ArrayBuffer | ArrayBufferView

function inputBytes(data: Input, encoding?: string): Uint8Array {
  if (typeof data !== 'string') return bytesOf(data)
  if (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8') return new TextEncoder().encode(data)
  return Buffer.from(data, encoding as BufferEncoding)
}

/** Hash and Hmac of node:crypto: input is gathered here and crosses once. */
class Digest {
  readonly #algorithm: string
  readonly #key: Uint8Array | undefined
  #parts: Uint8Array[]
  #length = 0
  #done = false

  constructor(algorithm: string, key: Uint8Array | undefined, parts: Uint8Array[] = []) {
    this.#algorithm = algorithm
    this.#key = key
    this.#parts = parts
    digest(algorithm, key, new Uint8Array(0))
  }

  update(data: Input, encoding?: string): this {
    if (this.#done) throw new Error('Digest already called')
    const bytes = inputBytes(data, encoding).slice()
    this.#length += bytes.length
    if (this.#length > HASHED_BYTES_MAX) throw new RangeError(`${this.#length} bytes to hash, at most ${HASHED_BYTES_MAX}`)
    this.#parts.push(bytes)
    return this
  }

  copy(): Digest {
    return new Digest(this.#algorithm, this.#key, [...this.#parts])
  }

  digest(encoding?: string): unknown {
    if (this.#done) throw new Error('Digest already called')
    this.#done = true
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    this.#parts = []
    const made = digest(this.#algorithm, this.#key, whole)
    if (encoding === 'hex') return made.toHex()
    const buffer = Buffer.from(made)
    return encoding === undefined || encoding === 'buffer' ? buffer : buffer.toString(encoding as BufferEncoding)
  }
}

export const createHash = (algorithm: unknown): Digest => new Digest(String(algorithm), undefined)
export const createHmac = (algorithm: unknown, key: Input): Digest => new Digest(String(algorithm), inputBytes(key).slice())

export function hash(algorithm: unknown, data: Input, encoding = 'hex'): unknown {
  return createHash(algorithm).update(data).digest(encoding)
}

export function getHashes(): string[] {
  return String(ask(ASK.HASHES)).split('\0')
}

type Done = (error: unknown, bytes?: unknown) => void

export function randomBytes(count: number, done?: Done): unknown {
  const bytes = Buffer.from(random(Number(count)))
  if (done === undefined) return bytes
  queueMicrotask(() => done(null, bytes))
  return undefined
}

export function randomFillSync<View extends ArrayBufferView>(view: View): View {
  bytesOf(view).set(random(view.byteLength))
  return view
}

export function randomInt(from: number, to?: number | Done, done?: Done): number | undefined {
  const low = typeof to === 'number' ? from : 0
  const high = typeof to === 'number' ? to : from
  const range = high - low
  if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && range > 0 && range <= 2 ** 48)) {
    throw new RangeError(`randomInt needs min ${low} < max ${high}, at most 2 ** 48 apart`)
  }
  const limit = 2 ** 48 - (2 ** 48 % range)
  let value = limit
  while (value >= limit) value = random(6).reduce((sum, byte) => sum * 256 + byte, 0)
  const made = low + (value % range)
  const call = typeof to === 'function' ? to : done
  if (call === undefined) return made
  queueMicrotask(() => call(null, made))
  return undefined
}

export function timingSafeEqual(a: ArrayBuffer | ArrayBufferView, b: ArrayBuffer | ArrayBufferView): boolean {
  const left = bytesOf(a)
  const right = bytesOf(b)
  if (left.length !== right.length) throw new RangeError('Input buffers must have the same byte length')
  let difference = 0
  for (let index = 0; index < left.length; index++) difference |= (left[index] as number) ^ (right[index] as number)
  return difference === 0
}

/** The part of Web Crypto that is here so far; keys and ciphers are refused by their absence. */
export const webcrypto = {
  getRandomValues,
  randomUUID,
  subtle: {
    async digest(algorithm: string | { name: string }, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer> {
      const name = (typeof algorithm === 'string' ? algorithm : algorithm.name).toUpperCase()
      if (!/^SHA-(1|256|384|512)$/.test(name)) throw new Error(`NotSupportedError: digest '${name.slice(0, 40)}'`)
      return digest(name.replace('-', '').toLowerCase(), undefined, bytesOf(data).slice()).slice().buffer as ArrayBuffer
    }
  }
}

export const subtle = webcrypto.subtle
