import { ASK } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { bytesOf, TextEncoder } from './encoding.guest.ts'
import { getRandomValues, random, randomUUID } from './random.guest.ts'

export { getRandomValues, randomUUID }

const HASHED_BYTES_MAX = 67_108_864

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
