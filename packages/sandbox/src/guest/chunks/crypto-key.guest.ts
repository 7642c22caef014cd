import { enumerable } from '../idl.guest.ts'

/** The bytes of a key, and what they are; `raw`, `pkcs8` or `spki` by kind. */
export interface KeyMaterial {
  readonly kind: 'secret' | 'private' | 'public'
  readonly bytes: Uint8Array
}

export interface KeyAlgorithm {
  readonly name: string
  readonly [member: string]: unknown
}

export type KeyUsage = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'deriveKey' | 'deriveBits' | 'wrapKey' | 'unwrapKey'

const MAKE = Symbol('only subtle makes keys')
let peek: (key: CryptoKey) => KeyMaterial

/** Its bytes are in here and nowhere else: the executor is given them with each operation, and keeps none. */
export class CryptoKey {
  readonly #material: KeyMaterial
  readonly #algorithm: KeyAlgorithm
  readonly #extractable: boolean
  readonly #usages: readonly KeyUsage[]

  constructor(key?: unknown, material?: KeyMaterial, algorithm?: KeyAlgorithm, extractable?: boolean, usages?: KeyUsage[]) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    this.#material = material as KeyMaterial
    this.#algorithm = algorithm as KeyAlgorithm
    this.#extractable = extractable === true
    this.#usages = usages as KeyUsage[]
  }

  static {
    peek = (key) => key.#material
  }

  get type(): string {
    return this.#material.kind
  }

  get extractable(): boolean {
    return this.#extractable
  }

  get algorithm(): KeyAlgorithm {
    return this.#algorithm
  }

  get usages(): readonly KeyUsage[] {
    return this.#usages
  }

  get [Symbol.toStringTag](): string {
    return 'CryptoKey'
  }
}

enumerable(CryptoKey)

export function makeKey(material: KeyMaterial, algorithm: KeyAlgorithm, extractable: boolean, usages: KeyUsage[]): CryptoKey {
  return new CryptoKey(MAKE, material, algorithm, extractable, usages)
}

export function isKey(value: unknown): value is CryptoKey {
  return value instanceof CryptoKey
}

export function materialOf(key: CryptoKey): KeyMaterial {
  return peek(key)
}
