import { Event, type EventOptions } from '../event-target.guest.ts'
import { enumerable } from '../idl.guest.ts'

interface ErrorEventOptions extends EventOptions {
  message?: unknown
  filename?: unknown
  lineno?: unknown
  colno?: unknown
  error?: unknown
}

export class ErrorEvent extends Event {
  readonly #options: ErrorEventOptions

  constructor(...args: [type?: unknown, options?: ErrorEventOptions | null]) {
    super(...args)
    this.#options = args[1] ?? {}
  }

  get message(): string {
    return this.#options.message === undefined ? '' : String(this.#options.message)
  }

  get filename(): string {
    return this.#options.filename === undefined ? '' : String(this.#options.filename)
  }

  get lineno(): number {
    return Number(this.#options.lineno ?? 0) >>> 0
  }

  get colno(): number {
    return Number(this.#options.colno ?? 0) >>> 0
  }

  get error(): unknown {
    return this.#options.error
  }

  override get [Symbol.toStringTag](): string {
    return 'ErrorEvent'
  }
}

interface RejectionOptions extends EventOptions {
  promise?: unknown
  reason?: unknown
}

export class PromiseRejectionEvent extends Event {
  readonly #promise: unknown
  readonly #reason: unknown

  constructor(...args: [type?: unknown, options?: RejectionOptions | null]) {
    super(...args)
    if (args[1] === undefined || args[1] === null || !('promise' in args[1])) throw new TypeError('"promise" is required')
    this.#promise = args[1].promise
    this.#reason = args[1].reason
  }

  get promise(): unknown {
    return this.#promise
  }

  get reason(): unknown {
    return this.#reason
  }

  override get [Symbol.toStringTag](): string {
    return 'PromiseRejectionEvent'
  }
}

interface MessageOptions extends EventOptions {
  data?: unknown
  origin?: unknown
  lastEventId?: unknown
  source?: unknown
  ports?: Iterable<unknown>
}

export class MessageEvent extends Event {
  readonly #options: MessageOptions
  readonly #ports: readonly unknown[]

  constructor(...args: [type?: unknown, options?: MessageOptions | null]) {
    super(...args)
    this.#options = args[1] ?? {}
    this.#ports = Object.freeze([...(this.#options.ports ?? [])])
  }

  get data(): unknown {
    return this.#options.data === undefined ? null : this.#options.data
  }

  get origin(): string {
    return this.#options.origin === undefined ? '' : String(this.#options.origin)
  }

  get lastEventId(): string {
    return this.#options.lastEventId === undefined ? '' : String(this.#options.lastEventId)
  }

  get source(): unknown {
    return this.#options.source ?? null
  }

  get ports(): readonly unknown[] {
    return this.#ports
  }

  override get [Symbol.toStringTag](): string {
    return 'MessageEvent'
  }
}

interface CloseOptions extends EventOptions {
  wasClean?: unknown
  code?: unknown
  reason?: unknown
}

export class CloseEvent extends Event {
  readonly #options: CloseOptions

  constructor(...args: [type?: unknown, options?: CloseOptions | null]) {
    super(...args)
    this.#options = args[1] ?? {}
  }

  get wasClean(): boolean {
    return Boolean(this.#options.wasClean)
  }

  get code(): number {
    return Number(this.#options.code ?? 0) & 0xffff
  }

  get reason(): string {
    return this.#options.reason === undefined ? '' : String(this.#options.reason)
  }

  override get [Symbol.toStringTag](): string {
    return 'CloseEvent'
  }
}

enumerable(ErrorEvent, PromiseRejectionEvent, MessageEvent, CloseEvent)
