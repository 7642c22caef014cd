import * as nodeCrypto from 'node:crypto'

/** One crossing: data, key, result. */
const BYTES_MAX = 67_108_864
const JSON_CHARS_MAX = 1_048_576
/** These hold up the executor's own thread while they run, so they are bounded well below what would be noticed as a hang. */
const PBKDF2_ITERATIONS_MAX = 2_000_000
const SCRYPT_MEMORY_BYTES_MAX = 134_217_728
const DERIVED_BYTES_MAX = 1_048_576
const RSA_BITS_MAX = 4_096
const CIPHERS_MAX = 64

type Fields = Record<string, unknown>

interface OpenSslFields {
  readonly library?: string
  readonly reason?: string
}

type Answer = Uint8Array | string | undefined
type Operation = (fields: Fields, a: Uint8Array, b: Uint8Array) => Answer | Buffer

/**
 * What node:crypto of functions asks of its executor, synchronously. Keys live in the isolate, as DER, and come along with each question; only
 * ciphers under way are held here. What comes in is guest code's: node:crypto itself checks it, and its error goes back as one.
 */
export class CryptoSync {
  readonly #ciphers = new Map<number, nodeCrypto.Cipheriv | nodeCrypto.Decipheriv>()
  #next = 1
  readonly #operations: Record<string, Operation> = {
    ...STATELESS,
    cipherOpen: (fields, key, iv) => {
      if (this.#ciphers.size >= CIPHERS_MAX)
        throw new RangeError(`${this.#ciphers.size} ciphers are under way, at most ${CIPHERS_MAX}`)
      const make = (
        fields.encrypt === true ? nodeCrypto.createCipheriv : nodeCrypto.createDecipheriv
      ) as typeof nodeCrypto.createCipheriv
      const options = typeof fields.authTagLength === 'number' ? { authTagLength: fields.authTagLength } : undefined
      this.#ciphers.set(this.#next, make(text(fields, 'algorithm'), key, fields.noIv === true ? null : iv, options as never))
      return String(this.#next++)
    },
    cipherUpdate: (fields, data) => this.#cipher(fields).update(data),
    cipherFinal: (fields) => {
      const cipher = this.#cipher(fields)
      this.#ciphers.delete(Number(fields.id))
      const bytes = cipher.final()
      if (fields.encrypt !== true || fields.tag !== true) return bytes
      return Buffer.concat([(cipher as nodeCrypto.CipherGCM).getAuthTag(), bytes])
    },
    cipherTag: (fields, tag) => void (this.#cipher(fields) as nodeCrypto.DecipherGCM).setAuthTag(tag),
    cipherAad: (fields, data) =>
      void (this.#cipher(fields) as nodeCrypto.CipherCCM).setAAD(
        data,
        (typeof fields.plaintextLength === 'number' ? { plaintextLength: fields.plaintextLength } : undefined) as never
      ),
    cipherPadding: (fields) => void this.#cipher(fields).setAutoPadding(fields.on === true)
  }

  /** @returns bytes, text or undefined; an error as NUL and JSON of name, code, message and what OpenSSL says of it */
  answer(name: unknown, json: unknown, a: unknown, b: unknown): Answer {
    try {
      const run = typeof name === 'string' && Object.hasOwn(this.#operations, name) ? this.#operations[name] : undefined
      if (run === undefined || typeof json !== 'string' || json.length > JSON_CHARS_MAX) throw new TypeError('no such operation')
      const fields: unknown = JSON.parse(json)
      if (typeof fields !== 'object' || fields === null) throw new TypeError('no such operation')
      const made = run(fields as Fields, bytes(a), bytes(b))
      return made instanceof Uint8Array ? new Uint8Array(made) : made
    } catch (error) {
      const { name: kind, code, message, library, reason } = error as NodeJS.ErrnoException & OpenSslFields
      return `\0${JSON.stringify({ name: String(kind), code, message: String(message), library, reason })}`
    }
  }

  #cipher({ id }: Fields): nodeCrypto.Cipheriv & nodeCrypto.Decipheriv {
    const cipher = this.#ciphers.get(Number(id))
    if (cipher === undefined) throw Object.assign(new Error('Unsupported state or unable to authenticate data'), {})
    return cipher as nodeCrypto.Cipheriv & nodeCrypto.Decipheriv
  }
}

const STATELESS: Record<string, Operation> = {
  names: ({ of }) => {
    const lists: Record<string, () => string[]> = {
      ciphers: nodeCrypto.getCiphers,
      curves: nodeCrypto.getCurves,
      hashes: nodeCrypto.getHashes
    }
    return JSON.stringify(lists[String(of)]?.() ?? [])
  },
  cipherInfo: ({ algorithm, options }) =>
    JSON.stringify(nodeCrypto.getCipherInfo(algorithm as string, options as object) ?? null),
  hash: (fields, data) => {
    const options =
      typeof fields.outputLength === 'number' ? { outputLength: bounded(fields, 'outputLength', DERIVED_BYTES_MAX) } : {}
    return nodeCrypto.createHash(text(fields, 'algorithm'), options).update(data).digest()
  },
  hmac: (fields, data, key) => nodeCrypto.createHmac(text(fields, 'algorithm'), key).update(data).digest(),
  pbkdf2: (fields, password, salt) =>
    nodeCrypto.pbkdf2Sync(
      password,
      salt,
      bounded(fields, 'iterations', PBKDF2_ITERATIONS_MAX),
      bounded(fields, 'keylen', DERIVED_BYTES_MAX),
      text(fields, 'digest')
    ),
  scrypt: (fields, password, salt) => {
    const options = { ...(fields.options as nodeCrypto.ScryptOptions) }
    const memory = options.maxmem ?? 33_554_432
    if (memory > SCRYPT_MEMORY_BYTES_MAX) throw new RangeError(`maxmem ${memory} must be at most ${SCRYPT_MEMORY_BYTES_MAX}`)
    return nodeCrypto.scryptSync(password, salt, bounded(fields, 'keylen', DERIVED_BYTES_MAX), options)
  },
  hkdf: (fields, key, salt) =>
    Buffer.from(
      nodeCrypto.hkdfSync(text(fields, 'digest'), key, salt, from64(fields, 'info'), bounded(fields, 'keylen', DERIVED_BYTES_MAX))
    ),
  sign: (fields, data, key) => nodeCrypto.sign(algorithmOf(fields), data, { key: privateOf(key), ...signing(fields) }),
  verify: (fields, data, key) =>
    String(nodeCrypto.verify(algorithmOf(fields), data, { key: publicOf(key), ...signing(fields) }, from64(fields, 'signature'))),
  publicEncrypt: (fields, data, key) => nodeCrypto.publicEncrypt({ key: publicOf(key), ...padded(fields) }, data),
  privateDecrypt: (fields, data, key) => nodeCrypto.privateDecrypt({ key: privateOf(key), ...padded(fields) }, data),
  privateEncrypt: (fields, data, key) => nodeCrypto.privateEncrypt({ key: privateOf(key), ...padded(fields) }, data),
  publicDecrypt: (fields, data, key) => nodeCrypto.publicDecrypt({ key: publicOf(key), ...padded(fields) }, data),
  diffieHellman: (_fields, key, other) => nodeCrypto.diffieHellman({ privateKey: privateOf(key), publicKey: publicOf(other) }),
  keyImport: (fields, data) => {
    const input: Fields = { ...(fields.input as Fields) }
    if (input.key === undefined) input.key = fields.textual === true ? Buffer.from(data).toString() : data
    const made =
      fields.kind === 'private' ? nodeCrypto.createPrivateKey(input as never) : nodeCrypto.createPublicKey(input as never)
    return describe(made)
  },
  keyExport: (fields, der) => {
    const key = fields.kind === 'private' ? privateOf(der) : publicOf(der)
    const made = key.export(fields.options as never) as unknown
    if (made instanceof Uint8Array) return made
    return typeof made === 'string' ? made : JSON.stringify(made)
  },
  keyGenerate: (fields) => {
    const options: Fields = { ...(fields.options as Fields) }
    if (typeof options.modulusLength === 'number' && options.modulusLength > RSA_BITS_MAX) {
      throw new RangeError(`modulusLength ${options.modulusLength} must be at most ${RSA_BITS_MAX}`)
    }
    const made = nodeCrypto.generateKeyPairSync(text(fields, 'type') as 'ed25519', options as never) as unknown as {
      publicKey: nodeCrypto.KeyObject
      privateKey: nodeCrypto.KeyObject
    }
    return JSON.stringify([JSON.parse(describe(made.publicKey)), JSON.parse(describe(made.privateKey))])
  },
  ecdh: (fields, key, other) => {
    const ecdh = nodeCrypto.createECDH(text(fields, 'curve'))
    if (fields.step === 'generate') {
      ecdh.generateKeys()
      return ecdh.getPrivateKey()
    }
    ecdh.setPrivateKey(key)
    if (fields.step === 'secret') return ecdh.computeSecret(other)
    return ecdh.getPublicKey(null, fields.compress === true ? 'compressed' : 'uncompressed')
  }
}

function describe(key: nodeCrypto.KeyObject): string {
  const der = key.export({ format: 'der', type: key.type === 'private' ? 'pkcs8' : 'spki' } as never) as unknown as Buffer
  const details = key.asymmetricKeyDetails ?? {}
  const { publicExponent, ...rest } = details
  const told = publicExponent === undefined ? rest : { ...rest, publicExponent: String(publicExponent) }
  return JSON.stringify({ type: key.type, der: der.toString('base64'), asymmetricKeyType: key.asymmetricKeyType, details: told })
}

function privateOf(der: Uint8Array): nodeCrypto.KeyObject {
  return nodeCrypto.createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
}

/** A private key stands for its public one, as everywhere in node:crypto. */
function publicOf(der: Uint8Array): nodeCrypto.KeyObject {
  try {
    return nodeCrypto.createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  } catch {
    // It is no public key: then it must be a private one, whose error is told.
    return nodeCrypto.createPublicKey(privateOf(der))
  }
}

function signing({ dsaEncoding, padding, saltLength }: Fields): object {
  return Object.fromEntries(Object.entries({ dsaEncoding, padding, saltLength }).filter(([, value]) => value !== undefined))
}

function padded(fields: Fields): object {
  const { padding, oaepHash, oaepLabel } = fields
  return {
    ...(padding === undefined ? {} : { padding }),
    ...(oaepHash === undefined ? {} : { oaepHash }),
    ...(oaepLabel === undefined ? {} : { oaepLabel: from64(fields, 'oaepLabel') })
  }
}

function algorithmOf({ algorithm }: Fields): string | null {
  return typeof algorithm === 'string' ? algorithm : null
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  return value
}

function bounded(fields: Fields, name: string, max: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || value > max) throw new RangeError(`${name} ${String(value)} must be at most ${max}`)
  return value
}

function from64(fields: Fields, name: string): Buffer {
  return Buffer.from(typeof fields[name] === 'string' ? fields[name] : '', 'base64')
}

function bytes(alleged: unknown): Uint8Array {
  if (!(alleged instanceof Uint8Array)) return new Uint8Array(0)
  if (alleged.length > BYTES_MAX) throw new RangeError(`${alleged.length} bytes, at most ${BYTES_MAX}`)
  return alleged
}
