import { core } from './core.guest.ts'
import { askBytes, askCrypto, askJson, bufferOf, encoded, inputOf, to64 } from './crypto-ask.guest.ts'
import { makeCiphers } from './crypto-ciphers.guest.ts'
import { makeKeys } from './crypto-keys.guest.ts'
import { digestHere, hmacHere, isDigestHere } from './short-digests.guest.ts'

type Load = (id: string) => unknown
type Done = (error: unknown, value?: unknown) => void
type Fields = Record<string, unknown>

/** node:crypto: objects and checks here, the arithmetic in the executor. */
export function makeCrypto(load: Load, constants: Record<string, unknown>): Record<string, unknown> {
  const { codes } = load('internal/errors') as { codes: Record<string, new (...values: unknown[]) => Error> }
  const { validateFunction, validateString, validateInt32 } = load('internal/validators') as Record<
    string,
    (...values: unknown[]) => void
  >
  const LazyTransform = load('internal/streams/lazy_transform') as new (options?: object) => import('node:stream').Transform
  const { Writable } = load('stream') as typeof import('node:stream')
  const fail = (code: string, ...values: unknown[]): Error => new (codes[code] as new (...v: unknown[]) => Error)(...values)
  const chance = core.builtin('peerless:random') as Record<string, (...values: never[]) => unknown>
  const keys = makeKeys(load)

  const data = (value: unknown, encoding?: unknown, name = 'data'): Uint8Array => {
    if (typeof value !== 'string' && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) {
      throw fail('ERR_INVALID_ARG_TYPE', name, ['string', 'Buffer', 'TypedArray', 'DataView'], value)
    }
    return inputOf(value, encoding)
  }

  /** Parts of a message, joined once. */
  class Parts {
    #parts: Uint8Array[] = []
    add(part: Uint8Array): void {
      this.#parts.push(part)
    }
    copy(): Parts {
      const parts = new Parts()
      parts.#parts = [...this.#parts]
      return parts
    }
    whole(): Uint8Array {
      return this.#parts.length === 1 ? (this.#parts[0] as Uint8Array).slice() : new Uint8Array(Buffer.concat(this.#parts))
    }
  }

  class Digesting extends LazyTransform {
    protected parts = new Parts()
    protected finalized = false

    update(value: unknown, encoding?: unknown): this {
      if (this.finalized) throw fail('ERR_CRYPTO_HASH_FINALIZED')
      this.parts.add(data(value, encoding))
      return this
    }

    override _transform(chunk: unknown, encoding: unknown, done: () => void): void {
      this.update(chunk, encoding)
      done()
    }
  }

  class Hash extends Digesting {
    readonly #algorithm: string
    readonly #fields: Fields
    /** What the stream's end gave: who piped into it may ask for it then. */
    #flushed: Buffer | undefined

    constructor(algorithm: unknown, options?: Fields) {
      super(options)
      if (algorithm instanceof Hash) {
        this.#algorithm = algorithm.#algorithm
        this.#fields = algorithm.#fields
        this.parts = algorithm.parts.copy()
        return
      }
      validateString?.(algorithm, 'algorithm')
      this.#algorithm = algorithm as string
      this.#fields = { algorithm, ...(options?.outputLength === undefined ? {} : { outputLength: options.outputLength }) }
      if (!known(this.#algorithm)) throw new Error('Digest method not supported')
    }

    copy(): Hash {
      if (this.finalized) throw fail('ERR_CRYPTO_HASH_FINALIZED')
      return new Hash(this)
    }

    digest(encoding?: unknown): unknown {
      if (this.finalized) throw fail('ERR_CRYPTO_HASH_FINALIZED')
      this.finalized = true
      return encoded(this.#flushed ?? this.#made(), encoding)
    }

    override _flush(done: () => void): void {
      this.#flushed = this.#made()
      this.push(this.#flushed)
      done()
    }

    #made(): Buffer {
      const message = this.parts.whole()
      const here = this.#fields.outputLength === undefined ? digestHere(this.#algorithm, message) : undefined
      return here === undefined ? askBytes('hash', this.#fields, message) : bufferOf(here)
    }
  }

  class Hmac extends Digesting {
    readonly #algorithm: string
    readonly #key: Uint8Array

    constructor(algorithm: unknown, key: unknown, options?: Fields) {
      super(options)
      validateString?.(algorithm, 'hmac')
      if (key === null || key === undefined || typeof key === 'number') {
        throw fail(
          'ERR_INVALID_ARG_TYPE',
          'key',
          ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'string', 'KeyObject', 'CryptoKey'],
          key
        )
      }
      this.#algorithm = algorithm as string
      this.#key = keys.secretOf(key, options?.encoding)
      if (!known(this.#algorithm)) throw fail('ERR_CRYPTO_INVALID_DIGEST', algorithm)
    }

    digest(encoding?: unknown): unknown {
      if (this.finalized) return encoded(Buffer.alloc(0), encoding)
      this.finalized = true
      const message = this.parts.whole()
      const here = hmacHere(this.#algorithm, this.#key, message)
      if (here !== undefined) return encoded(bufferOf(here), encoding)
      return encoded(askBytes('hmac', { algorithm: this.#algorithm }, message, this.#key.slice()), encoding)
    }

    override _flush(done: () => void): void {
      this.push(this.digest())
      done()
    }
  }

  let hashes: Set<string> | undefined
  const names = (of: string) => askJson<string[]>('names', { of })
  const known = (algorithm: string): boolean => {
    if (isDigestHere(algorithm)) return true
    hashes ??= new Set(names('hashes').flatMap((name) => [name, name.toLowerCase()]))
    return hashes.has(algorithm) || hashes.has(algorithm.toLowerCase())
  }

  class Signing extends Writable {
    protected readonly algorithm: string
    protected readonly parts = new Parts()

    constructor(algorithm: unknown, options?: object) {
      super(options)
      validateString?.(algorithm, 'algorithm')
      if (!known(String(algorithm)))
        throw Object.assign(new Error('Invalid digest'), { code: 'ERR_CRYPTO_INVALID_DIGEST', name: 'TypeError' })
      this.algorithm = String(algorithm)
    }

    update(value: unknown, encoding?: unknown): this {
      this.parts.add(data(value, encoding))
      return this
    }

    override _write(chunk: unknown, encoding: unknown, done: () => void): void {
      this.update(chunk, encoding)
      done()
    }
  }
  const signBytes = (algorithm: unknown, message: Uint8Array, key: unknown): Buffer => {
    const { der, options } = keys.keyOf('private', key)
    return askBytes('sign', { algorithm, ...options }, message, der)
  }
  const verifyBytes = (algorithm: unknown, message: Uint8Array, key: unknown, signature: Uint8Array): boolean => {
    const { der, options } = keys.keyOf('public', key)
    return askCrypto('verify', { algorithm, ...options, signature: to64(signature) }, message, der) === 'true'
  }
  class Sign extends Signing {
    sign(key: unknown, encoding?: unknown): unknown {
      if (key === undefined || key === null) throw fail('ERR_CRYPTO_SIGN_KEY_REQUIRED')
      return encoded(signBytes(this.algorithm, this.parts.whole(), key), encoding)
    }
  }
  class Verify extends Signing {
    verify(key: unknown, signature: unknown, encoding?: unknown): boolean {
      return verifyBytes(this.algorithm, this.parts.whole(), key, data(signature, encoding, 'signature'))
    }
  }

  /** What `util.promisify` makes of it gives an object with a member for each value of the callback. */
  const { customPromisifyArgs } = load('internal/util') as { customPromisifyArgs: symbol }
  const generateKeyPair = (type: unknown, options: unknown, done?: unknown) => {
    const call = (typeof options === 'function' ? options : done) as (
      error: unknown,
      publicKey?: unknown,
      privateKey?: unknown
    ) => void
    validateString?.(type, 'type')
    validateFunction?.(call, 'callback')
    later(
      () => keys.generateKeyPairSync(type, typeof options === 'object' ? (options as Fields) : {}),
      (error: unknown, made?: { publicKey: unknown; privateKey: unknown }) =>
        error === null ? call(null, made?.publicKey, made?.privateKey) : call(error)
    )
  }
  Object.defineProperty(generateKeyPair, customPromisifyArgs, { value: ['publicKey', 'privateKey'] })

  const later = (run: () => unknown, done: unknown): void => {
    validateFunction?.(done, 'callback')
    setImmediate(() => {
      let value: unknown
      try {
        value = run()
      } catch (error) {
        ;(done as Done)(error)
        return
      }
      ;(done as Done)(null, value)
    })
  }

  const assertPbkdf2 = (iterations: unknown, keylen: unknown, digest: unknown): void => {
    validateString?.(digest, 'digest')
    validateInt32?.(iterations, 'iterations', 1)
    validateInt32?.(keylen, 'keylen', 0)
  }
  const pbkdf2Sync = (password: unknown, salt: unknown, iterations: unknown, keylen: unknown, digest: unknown): Buffer => {
    assertPbkdf2(iterations, keylen, digest)
    if (!known(String(digest))) throw fail('ERR_CRYPTO_INVALID_DIGEST', digest)
    return askBytes('pbkdf2', { iterations, keylen, digest }, keys.secretOf(password), data(salt, undefined, 'salt'))
  }
  const scryptSync = (password: unknown, salt: unknown, keylen: unknown, options: Fields = {}): Buffer => {
    const { N, r, p, maxmem, cost, blockSize, parallelization } = options
    const given = Object.entries({ N: N ?? cost, r: r ?? blockSize, p: p ?? parallelization, maxmem }).filter(
      ([, value]) => value !== undefined
    )
    return askBytes(
      'scrypt',
      { keylen, options: Object.fromEntries(given) },
      data(password, undefined, 'password'),
      data(salt, undefined, 'salt')
    )
  }
  const assertHkdf = (digest: unknown, keylen: unknown): void => {
    validateString?.(digest, 'digest')
    validateInt32?.(keylen, 'length', 0)
  }
  const hkdfSync = (digest: unknown, key: unknown, salt: unknown, info: unknown, keylen: unknown): ArrayBuffer => {
    assertHkdf(digest, keylen)
    if (!known(String(digest))) throw fail('ERR_CRYPTO_INVALID_DIGEST', digest)
    const bytes = askBytes('hkdf', { digest, keylen, info: to64(data(info)) }, keys.secretOf(key), data(salt))
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }
  const crypt = (name: string, kind: 'public' | 'private') => (key: unknown, value: unknown) => {
    const { der, options } = keys.keyOf(kind, key)
    return askBytes(name, options, data(value, (key as Fields | undefined)?.encoding, 'buffer'), der)
  }
  const webcrypto = globalThis.crypto
  return {
    ...chance,
    ...makeCiphers(load, keys.secretOf),
    Hash,
    Hmac,
    Sign,
    Verify,
    KeyObject: keys.KeyObject,
    ECDH: keys.ECDH,
    createHash: (algorithm: unknown, options?: Fields) => new Hash(algorithm, options),
    createHmac: (algorithm: unknown, key: unknown, options?: Fields) => new Hmac(algorithm, key, options),
    createSign: (algorithm: unknown, options?: object) => new Sign(algorithm, options),
    createVerify: (algorithm: unknown, options?: object) => new Verify(algorithm, options),
    createECDH: (curve: string) => new keys.ECDH(curve),
    createSecretKey: keys.createSecretKey,
    createPrivateKey: keys.createPrivateKey,
    createPublicKey: keys.createPublicKey,
    generateKeyPairSync: keys.generateKeyPairSync,
    generateKeyPair,
    generateKeySync: keys.generateKeySync,
    generateKey: (type: unknown, options: { length: number }, done: unknown) => {
      keys.assertSecret(type, options)
      later(() => keys.generateKeySync(type, options), done)
    },
    diffieHellman: keys.diffieHellman,
    hash: (algorithm: unknown, value: unknown, output: unknown = 'hex') => {
      const options = typeof output === 'object' ? (output as Fields) : { outputEncoding: output }
      return new Hash(algorithm, { outputLength: options?.outputLength }).update(value).digest(options?.outputEncoding ?? 'hex')
    },
    sign: (algorithm: unknown, value: unknown, key: unknown, done?: unknown) => {
      const run = () => signBytes(algorithm ?? undefined, data(value), key)
      return done === undefined ? run() : later(run, done)
    },
    verify: (algorithm: unknown, value: unknown, key: unknown, signature: unknown, done?: unknown) => {
      const run = () => verifyBytes(algorithm ?? undefined, data(value), key, data(signature, undefined, 'signature'))
      return done === undefined ? run() : later(run, done)
    },
    pbkdf2Sync,
    pbkdf2: (password: unknown, salt: unknown, iterations: unknown, keylen: unknown, digest: unknown, done: unknown) => {
      // Who leaves out the digest is told that, not that it is a function.
      assertPbkdf2(iterations, keylen, typeof digest === 'function' ? undefined : digest)
      later(() => pbkdf2Sync(password, salt, iterations, keylen, digest), done)
    },
    scryptSync,
    scrypt: (password: unknown, salt: unknown, keylen: unknown, options: unknown, done?: unknown) =>
      typeof options === 'function'
        ? later(() => scryptSync(password, salt, keylen), options)
        : later(() => scryptSync(password, salt, keylen, options as Fields), done),
    hkdfSync,
    hkdf: (digest: unknown, key: unknown, salt: unknown, info: unknown, keylen: unknown, done: unknown) => {
      assertHkdf(digest, keylen)
      later(() => hkdfSync(digest, key, salt, info, keylen), done)
    },
    publicEncrypt: crypt('publicEncrypt', 'public'),
    privateDecrypt: crypt('privateDecrypt', 'private'),
    privateEncrypt: crypt('privateEncrypt', 'private'),
    publicDecrypt: crypt('publicDecrypt', 'public'),
    getHashes: () => names('hashes'),
    getCiphers: () => names('ciphers'),
    getCurves: () => names('curves'),
    getCipherInfo: (algorithm: unknown, options?: unknown) =>
      askJson<object | null>('cipherInfo', { algorithm, options }) ?? undefined,
    getFips: () => 0,
    constants,
    webcrypto,
    // A part of its own, which most users of this module never touch.
    get subtle() {
      return webcrypto.subtle
    },
    getRandomValues: webcrypto.getRandomValues.bind(webcrypto),
    isKeyObject: (value: unknown) => value instanceof keys.KeyObject,
    isCryptoKey: (value: unknown) => typeof CryptoKey === 'function' && value instanceof CryptoKey
  }
}

export { bufferOf }
