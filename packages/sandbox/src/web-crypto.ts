import { webcrypto } from 'node:crypto'
import { type Fields, fieldsOf } from './job-input.ts'
import { WEB_CRYPTO_ALGORITHMS } from './web-crypto-algorithms.ts'

const { subtle } = webcrypto

/** Data of one operation, keys included; what crosses the bridge is outside the isolate's heap. */
const INPUT_BYTES_MAX = 67_108_864
/** 2 million rounds of PBKDF2 take about a second of a thread that others of the account share; OWASP asks for 1.3 million of SHA-1. */
const ITERATIONS_MAX = 2_000_000
/** Making a pair of 4,096 bits takes about a second, one of 8,192 minutes. */
const MODULUS_BITS_MAX = 4_096
const DERIVED_BITS_MAX = 1_048_576

const ALGORITHMS = new Set(WEB_CRYPTO_ALGORITHMS)
const FORMATS = ['raw', 'pkcs8', 'spki', 'jwk'] as const
type Format = (typeof FORMATS)[number]
const USAGES = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'] as const

type Params = Record<string, unknown>
interface Answer {
  text: string
  bytes?: Uint8Array
}

/** A key as it crosses the bridge: nothing of it stays here, so an isolate can leave no key behind and reach no other's. */
interface KeyForm {
  kind: 'secret' | 'private' | 'public'
  /** raw, pkcs8 or spki: where in the bytes that came along. */
  data: [offset: number, length: number]
  algorithm: Params
  usages: string[]
}

/**
 * One operation of Web Crypto for an isolate, on Node's own implementation. The guest's side keeps keys as bytes and brings them along;
 * members of algorithms that are bytes are pairs of offset and length into `bytes`.
 * @param json op, and what that needs
 * @throws DOMException and TypeError as Web Crypto has it; the guest gets name and message
 */
export async function webCrypto(json: string, bytes: Uint8Array = new Uint8Array(0)): Promise<Answer> {
  if (bytes.length > INPUT_BYTES_MAX) {
    throw new DOMException(`${bytes.length} bytes of data, at most ${INPUT_BYTES_MAX}`, 'QuotaExceededError')
  }
  const order = fieldsOf(json)
  const input = new CryptoInput(order, bytes)
  const op = order.text('op', 32)
  const run = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined
  if (run === undefined) throw new DOMException(`operation ${op}`, 'NotSupportedError')
  return await run(input)
}

class CryptoInput {
  readonly order: Fields
  readonly #bytes: Uint8Array

  constructor(order: Fields, bytes: Uint8Array) {
    this.order = order
    this.#bytes = bytes
  }

  get data(): Uint8Array<ArrayBuffer> {
    return this.slice(this.order.get('data'))
  }

  /** A copy: Node's threads read it while this one goes on. */
  slice(range: unknown): Uint8Array<ArrayBuffer> {
    const [offset, length] = Array.isArray(range) ? range : []
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || offset + length > this.#bytes.length) {
      throw new TypeError('a range of bytes lies outside of what came along')
    }
    return this.#bytes.slice(offset, offset + length)
  }

  usages(name = 'usages'): webcrypto.KeyUsage[] {
    const list = this.order.texts(name, USAGES.length)
    return USAGES.filter((usage) => list.includes(usage))
  }

  format(): Format {
    return this.order.oneOf('format', FORMATS)
  }

  /** @throws DOMException NotSupportedError */
  async algorithm(name: string): Promise<Params> {
    return await this.#read(this.order.get(name), 0)
  }

  async key(name: string): Promise<CryptoKey> {
    return await this.#import(this.order.get(name))
  }

  async #import(alleged: unknown): Promise<CryptoKey> {
    const { kind, data, algorithm, usages } = (alleged ?? {}) as KeyForm
    const format = kind === 'secret' ? 'raw' : kind === 'private' ? 'pkcs8' : 'spki'
    const list = USAGES.filter((usage) => Array.isArray(usages) && usages.includes(usage))
    const params = await this.#read(algorithm, 0)
    const extractable = params.name !== 'HKDF' && params.name !== 'PBKDF2'
    return (await subtle.importKey(format, this.slice(data), params as never, extractable, list)) as CryptoKey
  }

  async #read(alleged: unknown, depth: number): Promise<Params> {
    const given = typeof alleged === 'string' ? { name: alleged } : alleged
    if (typeof given !== 'object' || given === null || depth > 2) throw new TypeError('an algorithm must be a name or an object')
    const params: Params = {}
    for (const [name, value] of Object.entries(given)) params[name] = await this.#member(name, value, depth)
    if (!ALGORITHMS.has(String(params.name))) {
      throw new DOMException(`Unrecognized algorithm name '${String(params.name).slice(0, 40)}'`, 'NotSupportedError')
    }
    checkBound('iterations', params.iterations, ITERATIONS_MAX)
    checkBound('modulusLength', params.modulusLength, MODULUS_BITS_MAX)
    return params
  }

  async #member(name: string, value: unknown, depth: number): Promise<unknown> {
    if (name === 'hash') return typeof value === 'object' ? await this.#read(value, depth + 1) : value
    if (name === 'public') return await this.#import(value)
    return Array.isArray(value) ? this.slice(value) : value
  }
}

function checkBound(name: string, value: unknown, max: number): void {
  if (typeof value === 'number' && value > max) {
    throw new DOMException(`${name} ${value} must be at most ${max}`, 'OperationError')
  }
}

function lengthOf(input: CryptoInput): number | null {
  const length = input.order.get('length')
  if (length === null || length === undefined) return null
  checkBound('length', length, DERIVED_BITS_MAX)
  return length as number
}

const OPERATIONS: Record<string, (input: CryptoInput) => Promise<Answer>> = {
  digest: async (input) => bytesAnswer(await subtle.digest((await input.algorithm('algorithm')) as never, input.data)),
  encrypt: async (input) =>
    bytesAnswer(await subtle.encrypt((await input.algorithm('algorithm')) as never, await input.key('key'), input.data)),
  decrypt: async (input) =>
    bytesAnswer(await subtle.decrypt((await input.algorithm('algorithm')) as never, await input.key('key'), input.data)),
  sign: async (input) =>
    bytesAnswer(await subtle.sign((await input.algorithm('algorithm')) as never, await input.key('key'), input.data)),
  verify: async (input) => {
    const signature = input.slice(input.order.get('signature'))
    const algorithm = await input.algorithm('algorithm')
    return { text: String(await subtle.verify(algorithm as never, await input.key('key'), signature, input.data)) }
  },
  deriveBits: async (input) =>
    bytesAnswer(
      await subtle.deriveBits((await input.algorithm('algorithm')) as never, await input.key('key'), lengthOf(input) as never)
    ),
  deriveKey: async (input) => {
    const algorithm = (await input.algorithm('algorithm')) as never
    const derived = (await input.algorithm('derived')) as never
    const name = (derived as { name: string }).name
    if (name === 'HKDF' || name === 'PBKDF2') {
      const bits = await subtle.deriveBits(algorithm, await input.key('key'), null as never)
      return keysAnswer([secretForm(bits, { name }, input.usages())])
    }
    return exported(await subtle.deriveKey(algorithm, await input.key('key'), derived, true, input.usages()))
  },
  generateKey: async (input) => {
    const made = await subtle.generateKey((await input.algorithm('algorithm')) as never, true, input.usages())
    if (!('privateKey' in made)) return await exported(made as CryptoKey)
    return keysAnswer([await formOf(made.publicKey), await formOf(made.privateKey)])
  },
  importKey: async (input) => {
    const jwk = input.format() === 'jwk'
    return await imported(input, await input.algorithm('algorithm'), jwk ? input.order.get('jwk') : input.data)
  },
  exportKey: async (input) => {
    const made = await subtle.exportKey(input.format() as never, await input.key('key'))
    return isBuffer(made) ? bytesAnswer(made) : { text: JSON.stringify(made) }
  },
  wrapKey: async (input) => {
    const algorithm = (await input.algorithm('algorithm')) as never
    return bytesAnswer(await subtle.wrapKey(input.format(), await input.key('key'), await input.key('wrapping'), algorithm))
  },
  unwrapKey: async (input) => {
    const algorithm = (await input.algorithm('algorithm')) as never
    const unwrapped = await input.algorithm('unwrapped')
    const wrapping = await input.key('wrapping')
    // What was wrapped may be a key that must not be exported again: it is unwrapped as plain bytes, which a key for HMAC may be, and imported then.
    const plain = await subtle.unwrapKey('raw', input.data, wrapping, algorithm, { name: 'HMAC', hash: 'SHA-256' }, true, [
      'sign'
    ])
    const bytes = new Uint8Array(await subtle.exportKey('raw', plain))
    return await imported(input, unwrapped, input.format() === 'jwk' ? jwkOf(bytes, input.order.flag('extractable')) : bytes)
  }
}

async function imported(input: CryptoInput, algorithm: Params, data: unknown): Promise<Answer> {
  const format = input.format()
  const usages = input.usages()
  if (format === 'raw' && (algorithm.name === 'HKDF' || algorithm.name === 'PBKDF2')) {
    // Such keys cannot be exported again, so they are only checked here and the bytes sent back.
    const bytes = data as Uint8Array<ArrayBuffer>
    await subtle.importKey(format, bytes, algorithm as never, false, usages)
    return keysAnswer([secretForm(bytes, { name: algorithm.name }, usages)])
  }
  const given = format === 'jwk' ? extractableJwk(data) : data
  return await exported((await subtle.importKey(format as never, given as never, algorithm as never, true, usages)) as CryptoKey)
}

/** @throws DOMException DataError where it is none, or says that it must not be extractable as it shall be */
function jwkOf(bytes: Uint8Array, extractable: boolean): unknown {
  let jwk: { ext?: unknown } | null
  try {
    jwk = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // The parser's message would quote the key.
    throw new DOMException('the wrapped data must be a JWK', 'DataError')
  }
  if (extractable && jwk?.ext === false) throw new DOMException('JWK "ext" Parameter and extractable mismatch', 'DataError')
  return jwk
}

function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer
}

/** Whether a key may leave the isolate's own CryptoKey is the guest side's affair; here it must be exportable to cross at all. */
function extractableJwk(alleged: unknown): unknown {
  if (typeof alleged !== 'object' || alleged === null) throw new TypeError('a JWK must be an object')
  const { ext: _, ...jwk } = alleged as Record<string, unknown>
  return jwk
}

function bytesAnswer(buffer: ArrayBuffer): Answer {
  return { text: '', bytes: new Uint8Array(buffer) }
}

interface AnswerKey {
  kind: string
  algorithm: unknown
  usages: readonly string[]
  bytes: Uint8Array
}

async function formOf(key: CryptoKey): Promise<AnswerKey> {
  const format = key.type === 'secret' ? 'raw' : key.type === 'private' ? 'pkcs8' : 'spki'
  const bytes = new Uint8Array((await subtle.exportKey(format, key)) as ArrayBuffer)
  return { kind: key.type, algorithm: algorithmOf(key.algorithm), usages: key.usages, bytes }
}

function secretForm(data: ArrayBuffer | Uint8Array, algorithm: unknown, usages: readonly string[]): AnswerKey {
  return { kind: 'secret', algorithm, usages, bytes: new Uint8Array(data) }
}

/** publicExponent is the one member that is bytes: it crosses as hexadecimal. */
function algorithmOf(algorithm: webcrypto.KeyAlgorithm): unknown {
  const { publicExponent, ...rest } = algorithm as webcrypto.KeyAlgorithm & { publicExponent?: Uint8Array }
  return publicExponent === undefined ? rest : { ...rest, publicExponent: Buffer.from(publicExponent).toString('hex') }
}

async function exported(key: CryptoKey): Promise<Answer> {
  return keysAnswer([await formOf(key)])
}

/** Text: JSON of a list of kind, algorithm, usages and length; bytes: their data, one after the other. */
function keysAnswer(keys: AnswerKey[]): Answer {
  const text = JSON.stringify(keys.map(({ bytes, ...rest }) => ({ ...rest, length: bytes.length })))
  return { text, bytes: new Uint8Array(Buffer.concat(keys.map((key) => key.bytes))) }
}
