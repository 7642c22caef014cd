import { ASK } from './bridge-operations.ts'
import type { CachedScript } from './code-cache.ts'
import { CryptoSync } from './crypto-sync.ts'
import { ZlibHandles } from './zlib-handles.ts'

/** What the `node:` modules of one instance ask of the executor, at once. Nothing is made before it is first asked for. */
export class ModuleAnswers {
  readonly #library: CachedScript
  #crypto: CryptoSync | undefined
  #zlib: ZlibHandles | undefined

  constructor(library: CachedScript) {
    this.#library = library
  }

  answer(operation: number, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    switch (operation) {
      case ASK.LIBRARY:
        return this.#library.script
      case ASK.CRYPTO_SYNC:
        this.#crypto ??= new CryptoSync()
        return this.#crypto.answer(a, b, c, d)
      case ASK.ZLIB_OPEN:
        this.#zlib ??= new ZlibHandles()
        return this.#zlib.open(a, b, c)
      case ASK.ZLIB_WRITE:
        return this.#zlib?.write(a, b, c, d)
      case ASK.ZLIB_RESET:
        return this.#zlib?.reset(a, b, c)
      case ASK.ZLIB_CLOSE:
        return this.#zlib?.close(a)
      default:
        return undefined
    }
  }
}
