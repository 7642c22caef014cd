import { enumerable } from './idl.guest.ts'

const MAKE = Symbol('there is one')

export class Navigator {
  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
  }

  get userAgent(): string {
    return 'Peerless'
  }

  /** What a function has of the machine, whatever the machine has. */
  get hardwareConcurrency(): number {
    return 1
  }

  get language(): string {
    return 'en-US'
  }

  get languages(): readonly string[] {
    return Object.freeze(['en-US'])
  }

  get platform(): string {
    return 'linux'
  }

  get [Symbol.toStringTag](): string {
    return 'Navigator'
  }
}

enumerable(Navigator)
export const navigator: Navigator = new Navigator(MAKE)
