import { askBytes, askCrypto, inputOf } from './crypto-ask.guest.ts'

type Load = (id: string) => unknown
type Fields = Record<string, unknown>

const AEAD = /gcm|ccm|ocb|poly1305/i
const TAG_BYTES = 16

/** createCipheriv and createDecipheriv: the state is the executor's, one crossing for each step. */
export function makeCiphers(load: Load, secretOf: (key: unknown) => Uint8Array): Record<string, unknown> {
  const LazyTransform = load('internal/streams/lazy_transform') as new (options?: object) => import('node:stream').Transform
  const { StringDecoder } = load('string_decoder') as typeof import('node:string_decoder')
  const { codes } = load('internal/errors') as { codes: Record<string, new (...values: unknown[]) => Error> }
  const fail = (code: string, ...values: unknown[]): Error => new (codes[code] as new (...v: unknown[]) => Error)(...values)

  class Cipher extends LazyTransform {
    readonly #encrypt: boolean
    readonly #aead: boolean
    readonly #tagLength: number
    readonly #id: string
    #decoder: import('node:string_decoder').StringDecoder | undefined
    #tag: Buffer | undefined
    #finished = false

    constructor(encrypt: boolean, algorithm: string, key: unknown, iv: unknown, options: Fields = {}) {
      super(options)
      this.#encrypt = encrypt
      this.#aead = AEAD.test(algorithm)
      this.#tagLength = typeof options.authTagLength === 'number' ? options.authTagLength : TAG_BYTES
      if (typeof algorithm !== 'string') throw fail('ERR_INVALID_ARG_TYPE', 'cipher', 'string', algorithm)
      const noIv = iv === null || iv === undefined
      const fields = {
        algorithm,
        encrypt,
        noIv,
        ...(options.authTagLength === undefined ? {} : { authTagLength: options.authTagLength })
      }
      this.#id = String(askCrypto('cipherOpen', fields, secretOf(key), noIv ? undefined : inputOf(iv)))
    }

    update(data: unknown, inputEncoding?: unknown, outputEncoding?: unknown): unknown {
      if (this.#finished) throw fail('ERR_CRYPTO_INVALID_STATE', 'update')
      if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
        throw fail('ERR_INVALID_ARG_TYPE', 'data', ['string', 'Buffer', 'TypedArray', 'DataView'], data)
      }
      return this.#out(askBytes('cipherUpdate', { id: this.#id }, inputOf(data, inputEncoding)), outputEncoding, false)
    }

    final(outputEncoding?: unknown): unknown {
      if (this.#finished) throw fail('ERR_CRYPTO_INVALID_STATE', 'final')
      this.#finished = true
      const tagged = this.#encrypt && this.#aead
      const bytes = askBytes('cipherFinal', { id: this.#id, encrypt: this.#encrypt, tag: tagged })
      if (tagged) this.#tag = Buffer.from(bytes.subarray(0, this.#tagLength))
      return this.#out(tagged ? bytes.subarray(this.#tagLength) : bytes, outputEncoding, true)
    }

    getAuthTag(): Buffer {
      if (this.#tag === undefined) throw fail('ERR_CRYPTO_INVALID_STATE', 'getAuthTag')
      return this.#tag
    }

    setAuthTag(tag: unknown, encoding?: unknown): this {
      askCrypto('cipherTag', { id: this.#id }, inputOf(tag, encoding))
      return this
    }

    setAAD(data: unknown, options: Fields = {}): this {
      askCrypto('cipherAad', { id: this.#id, plaintextLength: options.plaintextLength }, inputOf(data))
      return this
    }

    setAutoPadding(on = true): this {
      askCrypto('cipherPadding', { id: this.#id, on })
      return this
    }

    override _transform(chunk: unknown, encoding: unknown, done: () => void): void {
      this.push(this.update(chunk, encoding))
      done()
    }

    override _flush(done: (error?: Error) => void): void {
      try {
        this.push(this.final())
      } catch (error) {
        done(error as Error)
        return
      }
      done()
    }

    /** Text comes in whole characters only. */
    #out(bytes: Buffer, encoding: unknown, last: boolean): unknown {
      if (encoding === undefined || encoding === null || encoding === 'buffer') return bytes
      this.#decoder ??= new StringDecoder(encoding as BufferEncoding)
      return last ? this.#decoder.end(bytes) : this.#decoder.write(bytes)
    }
  }
  class Cipheriv extends Cipher {
    constructor(algorithm: string, key: unknown, iv: unknown, options?: Fields) {
      super(true, algorithm, key, iv, options)
    }
  }
  class Decipheriv extends Cipher {
    constructor(algorithm: string, key: unknown, iv: unknown, options?: Fields) {
      super(false, algorithm, key, iv, options)
    }
  }
  return {
    Cipheriv,
    Decipheriv,
    createCipheriv: (algorithm: string, key: unknown, iv: unknown, options?: Fields) => new Cipheriv(algorithm, key, iv, options),
    createDecipheriv: (algorithm: string, key: unknown, iv: unknown, options?: Fields) =>
      new Decipheriv(algorithm, key, iv, options)
  }
}
