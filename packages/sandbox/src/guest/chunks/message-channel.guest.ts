import { defineHandler, Event, EventTarget } from '../event-target.guest.ts'
import { enumerable } from '../idl.guest.ts'
import { structuredClone } from '../structured-clone.guest.ts'
import { MessageEvent } from './more-events.guest.ts'

/** Messages that wait at one port: a sender that nobody listens to is a leak. */
const WAITING_MAX = 10_000
const MAKE = Symbol('only a channel makes ports')

let entangle: (a: MessagePort, b: MessagePort) => void

/** Messages are copies, and arrive in a turn of their own. */
export class MessagePort extends EventTarget {
  #other: MessagePort | undefined
  #started = false
  #closed = false
  readonly #waiting: unknown[] = []
  declare onmessage: ((event: Event) => unknown) | null

  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    super()
  }

  static {
    entangle = (a, b) => {
      a.#other = b
      b.#other = a
    }
  }

  postMessage(...args: [message?: unknown, options?: unknown]): void {
    if (args.length === 0) throw new TypeError('The "message" argument must be specified')
    const options = Array.isArray(args[1]) ? { transfer: args[1] } : args[1]
    const copy = structuredClone(args[0], options as { transfer?: unknown[] })
    const other = this.#other
    if (other === undefined || this.#closed || other.#closed) return
    if (other.#waiting.length >= WAITING_MAX) throw new RangeError(`${WAITING_MAX} messages wait at a port, at most so many`)
    other.#waiting.push(copy)
    if (other.#started) setTimeout(() => other.#deliver(), 0)
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    for (let count = this.#waiting.length; count > 0; count--) setTimeout(() => this.#deliver(), 0)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const other = this.#other
    for (const port of [this, other]) if (port !== undefined) setTimeout(() => port.dispatchEvent(new Event('close')), 0)
    if (other !== undefined) other.#closed = true
  }

  ref(): void {
    // A port never keeps an instance alive: only invocations do.
  }

  unref(): void {
    // See ref.
  }

  #deliver(): void {
    if (this.#waiting.length === 0) return
    this.dispatchEvent(new MessageEvent('message', { data: this.#waiting.shift() }))
  }

  override get [Symbol.toStringTag](): string {
    return 'MessagePort'
  }
}

defineHandler(MessagePort, 'messageerror')
defineHandler(MessagePort, 'message')
const onmessage = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage') as PropertyDescriptor
Object.defineProperty(MessagePort.prototype, 'onmessage', {
  ...onmessage,
  set(this: MessagePort, value: unknown) {
    onmessage.set?.call(this, value)
    // Whoever sets it listens; with addEventListener `start` is the caller's to call.
    this.start()
  }
})

export class MessageChannel {
  readonly #port1 = new MessagePort(MAKE)
  readonly #port2 = new MessagePort(MAKE)

  constructor() {
    entangle(this.#port1, this.#port2)
  }

  get port1(): MessagePort {
    return this.#port1
  }

  get port2(): MessagePort {
    return this.#port2
  }

  get [Symbol.toStringTag](): string {
    return 'MessageChannel'
  }
}

enumerable(MessagePort, MessageChannel)
