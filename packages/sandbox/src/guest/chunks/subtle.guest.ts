import { JOB } from '../../bridge-operations.ts'
import { WEB_CRYPTO_ALGORITHMS } from '../../web-crypto-algorithms.ts'
import { DOMException } from '../dom-exception.guest.ts'
import { bytesOf } from '../encoding.guest.ts'
import { enumerable } from '../idl.guest.ts'
import { jsonParse } from '../intrinsics.guest.ts'
import { didHere, runJob } from '../jobs.guest.ts'
import { digestHere, hmacHere } from '../node/short-digests.guest.ts'
import { CryptoKey, isKey, type KeyAlgorithm, type KeyUsage, makeKey, materialOf } from './crypto-key.guest.ts'

export { CryptoKey }

type Params = Record<string, unknown>

/** Members of algorithms by what they are. Others of an object are not looked at. */
const NUMBERS = ['length', 'tagLength', 'saltLength', 'iterations', 'modulusLength'] as const
const BYTES = ['iv', 'counter', 'additionalData', 'label', 'salt', 'info', 'publicExponent', 'context'] as const
const CANONICAL = new Map(WEB_CRYPTO_ALGORITHMS.map((name) => [name.toUpperCase(), name]))

/** What goes along with one operation: an order in JSON, in which bytes are places in one buffer. */
class Parcel {
  readonly #parts: Uint8Array[] = []
  #length = 0

  add(bytes: Uint8Array): [offset: number, length: number] {
    const place: [number, number] = [this.#length, bytes.length]
    this.#parts.push(bytes)
    this.#length += bytes.length
    return place
  }

  /** What was added last. */
  get last(): Uint8Array {
    return this.#parts[this.#parts.length - 1] as Uint8Array
  }

  input(value: unknown, what = 'data'): [number, number] {
    if (!(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value)) {
      throw new TypeError(`The "${what}" argument must be an instance of ArrayBuffer, TypedArray, or DataView.`)
    }
    return this.add(bytesOf(value))
  }

  key(value: unknown, algorithm?: Params): unknown {
    if (!isKey(value)) throw new TypeError('The "key" argument must be of type CryptoKey')
    if (algorithm !== undefined && value.algorithm.name !== algorithm.name) {
      throw new DOMException('Key algorithm mismatch', 'InvalidAccessError')
    }
    const { kind, bytes } = materialOf(value)
    const { publicExponent: _, ...described } = value.algorithm
    return { kind, data: this.add(bytes), algorithm: described, usages: value.usages }
  }

  algorithm(alleged: unknown): Params {
    if (typeof alleged === 'string') return { name: nameOf(alleged) }
    if (typeof alleged !== 'object' || alleged === null) throw new TypeError('The "algorithm" must be a name or an object')
    const given = alleged as Params
    if (given.name === undefined) throw new TypeError("Failed to normalize algorithm: 'name' is required in 'Algorithm'.")
    const params: Params = { name: nameOf(given.name) }
    for (const member of NUMBERS) if (given[member] !== undefined) params[member] = Number(given[member])
    for (const member of BYTES) if (given[member] !== undefined) params[member] = this.input(given[member], `algorithm.${member}`)
    if (given.namedCurve !== undefined) params.namedCurve = String(given.namedCurve)
    if (given.hash !== undefined) params.hash = this.algorithm(given.hash)
    if (given.public !== undefined) params.public = this.key(given.public)
    return params
  }

  async send(order: Params): Promise<{ text: string; bytes: Uint8Array }> {
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    const { text, bytes } = await runJob(JOB.CRYPTO, JSON.stringify(order), whole)
    return { text, bytes: bytes ?? new Uint8Array(0) }
  }
}

function nameOf(alleged: unknown): string {
  const name = String(alleged)
  const known = CANONICAL.get(name.toUpperCase())
  if (known === undefined) throw new DOMException(`Unrecognized algorithm name`, 'NotSupportedError')
  return known
}

function mayBeUsed(key: unknown, usage: KeyUsage): void {
  if (isKey(key) && !key.usages.includes(usage)) {
    throw new DOMException(`Unable to use this key to ${usage}`, 'InvalidAccessError')
  }
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer as ArrayBuffer
}

interface KeyForm {
  kind: 'secret' | 'private' | 'public'
  algorithm: KeyAlgorithm & { publicExponent?: string }
  usages: KeyUsage[]
  length: number
}

function keysOf(text: string, bytes: Uint8Array, extractable: boolean, publicLeaves = false): CryptoKey[] {
  let at = 0
  return (jsonParse(text) as KeyForm[]).map(({ kind, algorithm, usages, length }) => {
    const material = { kind, bytes: bytes.slice(at, at + length) }
    at += length
    const { publicExponent } = algorithm
    const full = publicExponent === undefined ? algorithm : { ...algorithm, publicExponent: Uint8Array.fromHex(publicExponent) }
    return makeKey(material, full, extractable || (publicLeaves && kind === 'public'), usages)
  })
}

function usagesOf(alleged: unknown): string[] {
  if (typeof alleged !== 'object' || alleged === null) throw new TypeError('The "keyUsages" argument must be a sequence')
  const usages = Array.from(alleged as Iterable<unknown>, String)
  const known = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey']
  for (const usage of usages)
    if (!known.includes(usage)) throw new TypeError(`'${usage}' is not a valid enum value of type KeyUsage.`)
  return [...new Set(usages)]
}

function formatOf(alleged: unknown): string {
  const format = String(alleged)
  const known = ['raw', 'pkcs8', 'spki', 'jwk']
  if (!known.includes(format)) throw new TypeError(`'${format}' is not a valid enum value of type KeyFormat.`)
  return format
}

/** Keys without a use are refused where they are made, as the standard has it. */
function refuseUseless(key: CryptoKey): CryptoKey {
  if (key.type !== 'public' && key.usages.length === 0) {
    throw new DOMException('Usages cannot be empty when creating a key.', 'SyntaxError')
  }
  return key
}

const MAKE = Symbol('there is one')

/** Each operation crosses to the executor with all it needs, and runs there on another thread. */
export class SubtleCrypto {
  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
  }

  async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
    const parcel = new Parcel()
    const order = { op: 'digest', algorithm: parcel.algorithm(algorithm), data: parcel.input(data) }
    const here = digestHere(plainName(order.algorithm.name), parcel.last)
    if (here !== undefined) return answerOf(here)
    return bufferOf((await parcel.send(order)).bytes)
  }

  async encrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    return await cipher('encrypt', algorithm, key, data)
  }

  async decrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    return await cipher('decrypt', algorithm, key, data)
  }

  async sign(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    return await cipher('sign', algorithm, key, data)
  }

  async verify(algorithm: unknown, key: unknown, signature: unknown, data: unknown): Promise<boolean> {
    const parcel = new Parcel()
    const params = parcel.algorithm(algorithm)
    const order = {
      op: 'verify',
      algorithm: params,
      key: parcel.key(key, params),
      signature: parcel.input(signature, 'signature'),
      data: parcel.input(data)
    }
    const message = parcel.last
    mayBeUsed(key, 'verify')
    const here = codeHere(key as CryptoKey, message)
    if (here !== undefined) return areSame(new Uint8Array(answerOf(here)), bytesOf(signature as ArrayBuffer))
    return (await parcel.send(order)).text === 'true'
  }

  async generateKey(algorithm: unknown, extractable: unknown, usages: unknown): Promise<unknown> {
    const parcel = new Parcel()
    const order = { op: 'generateKey', algorithm: parcel.algorithm(algorithm), usages: usagesOf(usages) }
    const { text, bytes } = await parcel.send(order)
    // The public key of a new pair may always leave.
    const [first, second] = keysOf(text, bytes, Boolean(extractable), true)
    return second === undefined ? first : { publicKey: first, privateKey: second }
  }

  async importKey(format: unknown, data: unknown, algorithm: unknown, extractable: unknown, usages: unknown): Promise<CryptoKey> {
    const parcel = new Parcel()
    const order: Params = {
      op: 'importKey',
      format: formatOf(format),
      algorithm: parcel.algorithm(algorithm),
      usages: usagesOf(usages)
    }
    if (order.format === 'jwk') {
      if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data) || data instanceof ArrayBuffer) {
        throw new TypeError('The "keyData" argument must be a JsonWebKey')
      }
      if ((data as { ext?: unknown }).ext === false && extractable) {
        throw new DOMException('JWK "ext" Parameter and extractable mismatch', 'DataError')
      }
      order.jwk = data
    } else order.data = parcel.input(data, 'keyData')
    const name = (order.algorithm as { name: string }).name
    if (extractable && (name === 'HKDF' || name === 'PBKDF2')) {
      throw new DOMException(`${name} keys are not extractable`, 'SyntaxError')
    }
    const { text, bytes } = await parcel.send(order)
    return refuseUseless(keysOf(text, bytes, Boolean(extractable))[0] as CryptoKey)
  }

  async exportKey(format: unknown, key: unknown): Promise<unknown> {
    const parcel = new Parcel()
    const order = { op: 'exportKey', format: formatOf(format), key: parcel.key(key) }
    mayLeave(key)
    const { text, bytes } = await parcel.send(order)
    // Made where all keys may leave: whether this one may is only known here.
    return order.format === 'jwk' ? { ...(jsonParse(text) as object), ext: (key as CryptoKey).extractable } : bufferOf(bytes)
  }

  async deriveBits(algorithm: unknown, key: unknown, length: unknown = null): Promise<ArrayBuffer> {
    const parcel = new Parcel()
    const params = parcel.algorithm(algorithm)
    const order = {
      op: 'deriveBits',
      algorithm: params,
      key: parcel.key(key, params),
      length: length === null ? null : Number(length)
    }
    mayBeUsed(key, 'deriveBits')
    return bufferOf((await parcel.send(order)).bytes)
  }

  async deriveKey(algorithm: unknown, key: unknown, derived: unknown, extractable: unknown, usages: unknown): Promise<CryptoKey> {
    const parcel = new Parcel()
    const params = parcel.algorithm(algorithm)
    const order = {
      op: 'deriveKey',
      algorithm: params,
      key: parcel.key(key, params),
      derived: parcel.algorithm(derived),
      usages: usagesOf(usages)
    }
    mayBeUsed(key, 'deriveKey')
    const { text, bytes } = await parcel.send(order)
    return refuseUseless(keysOf(text, bytes, Boolean(extractable))[0] as CryptoKey)
  }

  async wrapKey(format: unknown, key: unknown, wrapping: unknown, algorithm: unknown): Promise<ArrayBuffer> {
    const parcel = new Parcel()
    const params = parcel.algorithm(algorithm)
    const order = {
      op: 'wrapKey',
      format: formatOf(format),
      key: parcel.key(key),
      wrapping: parcel.key(wrapping, params),
      algorithm: params
    }
    mayBeUsed(wrapping, 'wrapKey')
    mayLeave(key)
    return bufferOf((await parcel.send(order)).bytes)
  }

  async unwrapKey(
    format: unknown,
    data: unknown,
    wrapping: unknown,
    algorithm: unknown,
    unwrapped: unknown,
    extractable: unknown,
    usages: unknown
  ): Promise<CryptoKey> {
    const parcel = new Parcel()
    const params = parcel.algorithm(algorithm)
    const order = {
      op: 'unwrapKey',
      format: formatOf(format),
      data: parcel.input(data, 'wrappedKey'),
      wrapping: parcel.key(wrapping, params),
      algorithm: params,
      unwrapped: parcel.algorithm(unwrapped),
      extractable: Boolean(extractable),
      usages: usagesOf(usages)
    }
    const name = (order.unwrapped as { name: string }).name
    if (extractable && (name === 'HKDF' || name === 'PBKDF2')) {
      throw new DOMException(`${name} keys are not extractable`, 'SyntaxError')
    }
    mayBeUsed(wrapping, 'unwrapKey')
    const { text, bytes } = await parcel.send(order)
    return refuseUseless(keysOf(text, bytes, Boolean(extractable))[0] as CryptoKey)
  }

  get [Symbol.toStringTag](): string {
    return 'SubtleCrypto'
  }
}

function mayLeave(key: unknown): void {
  if (isKey(key) && !key.extractable) throw new DOMException('key is not extractable', 'InvalidAccessError')
}

function answerOf(here: Uint8Array): ArrayBuffer {
  didHere()
  return bufferOf(here)
}

/** SHA-256 as node:crypto names it. */
function plainName(name: unknown): string {
  return String(name).replace('-', '')
}

/** The code of a short message by a key for HMAC that consists of whole bytes. undefined where the executor has to be asked. */
function codeHere(key: CryptoKey, message: Uint8Array): Uint8Array | undefined {
  const { name, hash, length } = key.algorithm as KeyAlgorithm & { hash?: KeyAlgorithm; length?: number }
  const { bytes } = materialOf(key)
  if (name !== 'HMAC' || hash === undefined || length !== bytes.length * 8) return undefined
  return hmacHere(plainName(hash.name), bytes, message)
}

function areSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= (a[index] as number) ^ (b[index] ?? 0)
  return difference === 0
}

async function cipher(op: 'encrypt' | 'decrypt' | 'sign', algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
  const parcel = new Parcel()
  const params = parcel.algorithm(algorithm)
  const order = { op, algorithm: params, key: parcel.key(key, params), data: parcel.input(data) }
  mayBeUsed(key, op)
  const here = op === 'sign' ? codeHere(key as CryptoKey, parcel.last) : undefined
  if (here !== undefined) return answerOf(here)
  return bufferOf((await parcel.send(order)).bytes)
}

enumerable(SubtleCrypto)
export const subtle: SubtleCrypto = new SubtleCrypto(MAKE)
