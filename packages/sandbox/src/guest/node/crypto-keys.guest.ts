import { askBytes, askCrypto, askJson, bufferOf, inputOf, to64 } from './crypto-ask.guest.ts'

type Load = (id: string) => unknown
type Fields = Record<string, unknown>

interface Described {
  type: 'public' | 'private'
  der: string
  asymmetricKeyType: string
  details: Fields
}

const MAKE = Symbol('only node:crypto makes keys')

/** KeyObject and what makes one. Keys are DER in here; the executor reads them anew for each operation. */
export function makeKeys(load: Load) {
  const { codes } = load('internal/errors') as { codes: Record<string, new (...values: unknown[]) => Error> }
  const fail = (code: string, ...values: unknown[]): Error => new (codes[code] as new (...v: unknown[]) => Error)(...values)

  class KeyObject {
    readonly type: 'secret' | 'public' | 'private'
    readonly #bytes: Uint8Array
    readonly #described: Described | undefined

    constructor(make: unknown, bytes: Uint8Array, described?: Described) {
      if (make !== MAKE) throw new TypeError('Illegal constructor')
      this.type = described?.type ?? 'secret'
      this.#bytes = bytes
      this.#described = described
    }

    static from(key: unknown): KeyObject {
      if (key instanceof KeyObject) return key
      throw fail('ERR_INVALID_ARG_TYPE', 'key', 'CryptoKey', key)
    }

    /** @internal */
    static bytesOf(key: KeyObject): Uint8Array {
      return key.#bytes
    }

    get symmetricKeySize(): number | undefined {
      return this.type === 'secret' ? this.#bytes.length : undefined
    }

    get asymmetricKeyType(): string | undefined {
      return this.#described?.asymmetricKeyType
    }

    get asymmetricKeyDetails(): Fields | undefined {
      const details = this.#described?.details
      if (details === undefined) return undefined
      return details.publicExponent === undefined
        ? { ...details }
        : { ...details, publicExponent: BigInt(String(details.publicExponent)) }
    }

    equals(other: unknown): boolean {
      if (!(other instanceof KeyObject)) throw fail('ERR_INVALID_ARG_TYPE', 'otherKeyObject', 'KeyObject', other)
      return this.type === other.type && this.#bytes.toHex() === other.#bytes.toHex()
    }

    export(options: Fields = {}): unknown {
      if (this.type === 'secret') {
        if (options.format === 'jwk') return { kty: 'oct', k: Buffer.from(this.#bytes).toString('base64url') }
        return Buffer.from(this.#bytes)
      }
      const made = askCrypto('keyExport', { kind: this.type, options }, this.#bytes.slice())
      if (made instanceof Uint8Array) return bufferOf(made)
      return options.format === 'jwk' ? JSON.parse(String(made)) : made
    }

    get [Symbol.toStringTag](): string {
      return 'KeyObject'
    }
  }

  const described = (one: Described): KeyObject => new KeyObject(MAKE, new Uint8Array(Buffer.from(one.der, 'base64')), one)

  const importKey = (kind: 'public' | 'private', alleged: unknown): KeyObject => {
    if (alleged instanceof KeyObject) {
      if (alleged.type === kind) return alleged
      if (kind === 'private' || alleged.type === 'secret') throw fail('ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE', alleged.type, kind)
      return importKey('public', alleged.export({ format: 'pem', type: 'pkcs8' }))
    }
    if ((typeof alleged !== 'string' && typeof alleged !== 'object') || alleged === null) {
      throw fail('ERR_INVALID_ARG_TYPE', 'key', ['string', 'ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'URL'], alleged)
    }
    const plain = typeof alleged === 'string' || ArrayBuffer.isView(alleged) || alleged instanceof ArrayBuffer
    const options: Fields = plain ? { key: alleged } : { ...(alleged as Fields) }
    const { key, encoding, passphrase, ...rest } = options
    if (key instanceof KeyObject) return importKey(kind, key)
    const input: Fields = { ...rest }
    if (passphrase !== undefined)
      input.passphrase = typeof passphrase === 'string' ? passphrase : Buffer.from(passphrase as Uint8Array).toString('latin1')
    if (rest.format === 'jwk') return described(askJson<Described>('keyImport', { kind, input: { ...input, key } }))
    if (typeof key !== 'string' && !ArrayBuffer.isView(key) && !(key instanceof ArrayBuffer)) {
      throw fail(
        'ERR_INVALID_ARG_TYPE',
        'key',
        ['string', 'ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'KeyObject', 'CryptoKey'],
        key
      )
    }
    return described(askJson<Described>('keyImport', { kind, input, textual: rest.format !== 'der' }, inputOf(key, encoding)))
  }

  const createSecretKey = (key: unknown, encoding?: unknown): KeyObject => new KeyObject(MAKE, inputOf(key, encoding))
  const formatted = (key: KeyObject, encoding: unknown): unknown =>
    encoding === undefined ? key : key.export(encoding as Fields)

  const { validateString, validateObject, validateInteger, validateOneOf } = load('internal/validators') as Record<
    string,
    (...values: unknown[]) => void
  >
  const assertSecret = (type: unknown, options: unknown): void => {
    validateString?.(type, 'type')
    validateObject?.(options, 'options')
    const { length } = options as { length: unknown }
    if (type === 'hmac') validateInteger?.(length, 'options.length', 8, 2 ** 31 - 1)
    else if (type === 'aes') validateOneOf?.(length, 'options.length', [128, 192, 256])
    else throw fail('ERR_INVALID_ARG_VALUE', 'type', type, 'must be a supported key type')
  }

  const generateKeyPairSync = (type: unknown, options: Fields = {}): { publicKey: unknown; privateKey: unknown } => {
    validateString?.(type, 'type')
    const { publicKeyEncoding, privateKeyEncoding, ...rest } = options
    const [publicKey, privateKey] = askJson<[Described, Described]>('keyGenerate', { type, options: rest })
    return {
      publicKey: formatted(described(publicKey), publicKeyEncoding),
      privateKey: formatted(described(privateKey), privateKeyEncoding)
    }
  }

  const generateKeySync = (type: unknown, options: { length: number }): KeyObject => {
    assertSecret(type, options)
    const { length } = options
    return new KeyObject(MAKE, crypto.getRandomValues(new Uint8Array(Math.floor(length / 8))))
  }

  class ECDH {
    readonly #curve: string
    #key: Uint8Array | undefined

    constructor(curve: string) {
      this.#curve = curve
    }

    #private(): Uint8Array {
      if (this.#key === undefined) throw new Error('Failed to get ECDH private key')
      return this.#key.slice()
    }

    generateKeys(encoding?: unknown, format?: unknown): unknown {
      this.#key = new Uint8Array(askBytes('ecdh', { curve: this.#curve, step: 'generate' }))
      return this.getPublicKey(encoding, format)
    }

    setPrivateKey(key: unknown, encoding?: unknown): void {
      this.#key = inputOf(key, encoding)
    }

    getPrivateKey(encoding?: unknown): unknown {
      const bytes = Buffer.from(this.#private())
      return typeof encoding === 'string' ? bytes.toString(encoding as 'hex') : bytes
    }

    getPublicKey(encoding?: unknown, format?: unknown): unknown {
      const bytes = askBytes('ecdh', { curve: this.#curve, step: 'public', compress: format === 'compressed' }, this.#private())
      return typeof encoding === 'string' ? bytes.toString(encoding as 'hex') : bytes
    }

    computeSecret(other: unknown, inputEncoding?: unknown, outputEncoding?: unknown): unknown {
      const bytes = askBytes('ecdh', { curve: this.#curve, step: 'secret' }, this.#private(), inputOf(other, inputEncoding))
      return typeof outputEncoding === 'string' ? bytes.toString(outputEncoding as 'hex') : bytes
    }
  }

  const keyBytes = (kind: 'public' | 'private', key: unknown): Uint8Array => KeyObject.bytesOf(importKey(kind, key)).slice()
  /** For signatures and the like: the key's DER, and what stands beside it. */
  const keyOf = (kind: 'public' | 'private', alleged: unknown): { der: Uint8Array; options: Fields } => {
    const options: Fields = {}
    const holder = alleged as Fields
    for (const name of ['dsaEncoding', 'padding', 'saltLength', 'oaepHash'] as const) {
      if (typeof alleged === 'object' && alleged !== null && holder[name] !== undefined) options[name] = holder[name]
    }
    if (typeof alleged === 'object' && alleged !== null && holder.oaepLabel !== undefined)
      options.oaepLabel = to64(inputOf(holder.oaepLabel))
    return { der: keyBytes(kind, alleged), options }
  }
  /** Of a symmetric key or what stands for one. */
  const secretOf = (key: unknown, encoding?: unknown): Uint8Array =>
    key instanceof KeyObject ? KeyObject.bytesOf(key).slice() : inputOf(key, encoding)

  return {
    KeyObject,
    ECDH,
    createSecretKey,
    createPrivateKey: (key: unknown) => importKey('private', key),
    createPublicKey: (key: unknown) => importKey('public', key),
    generateKeyPairSync,
    generateKeySync,
    assertSecret,
    diffieHellman: ({ privateKey, publicKey }: { privateKey: unknown; publicKey: unknown }) =>
      askBytes('diffieHellman', {}, keyBytes('private', privateKey), keyBytes('public', publicKey)),
    keyOf,
    secretOf
  }
}
