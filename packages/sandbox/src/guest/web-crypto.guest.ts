import { chunk } from './chunks.guest.ts'
import { enumerable } from './idl.guest.ts'
import { getRandomValues, randomUUID } from './random.guest.ts'

type Subtle = typeof import('./chunks/subtle.guest.ts')
const MAKE = Symbol('there is one')

/** The global `crypto`. Keys and ciphers are in a part of their own. */
export class Crypto {
  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
  }

  get subtle(): Subtle['subtle'] {
    if (this !== webcrypto) throw new TypeError('Value of "this" must be of type Crypto')
    return (chunk('subtle') as Subtle).subtle
  }

  getRandomValues<View extends ArrayBufferView>(view: View): View {
    if (this !== webcrypto) throw new TypeError('Value of "this" must be of type Crypto')
    return getRandomValues(view)
  }

  randomUUID(): string {
    if (this !== webcrypto) throw new TypeError('Value of "this" must be of type Crypto')
    return randomUUID()
  }

  get [Symbol.toStringTag](): string {
    return 'Crypto'
  }
}

enumerable(Crypto)
export const webcrypto: Crypto = new Crypto(MAKE)
