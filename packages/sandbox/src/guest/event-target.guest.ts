/** Event, EventTarget and AbortController as handlers use them; no bubbling, because there is no tree. */
export class Event {
  readonly type: string
  readonly cancelable: boolean
  readonly bubbles: boolean
  readonly timeStamp = Date.now()
  defaultPrevented = false
  target: EventTarget | null = null
  currentTarget: EventTarget | null = null
  /** @internal */
  stopped = false

  constructor(type: unknown, options: { cancelable?: boolean; bubbles?: boolean } = {}) {
    this.type = String(type)
    this.cancelable = options.cancelable === true
    this.bubbles = options.bubbles === true
  }

  preventDefault(): void {
    if (this.cancelable) this.defaultPrevented = true
  }

  stopPropagation(): void {
    // There is nowhere to propagate to.
  }

  stopImmediatePropagation(): void {
    this.stopped = true
  }
}

export class CustomEvent extends Event {
  readonly detail: unknown

  constructor(type: unknown, options: { cancelable?: boolean; bubbles?: boolean; detail?: unknown } = {}) {
    super(type, options)
    this.detail = options.detail ?? null
  }
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void }

export class EventTarget {
  readonly #listeners = new Map<string, { listener: Listener; once: boolean }[]>()

  addEventListener(
    type: unknown,
    listener: Listener | null,
    options: boolean | { once?: boolean; signal?: AbortSignal } = {}
  ): void {
    if (listener === null || listener === undefined) return
    const name = String(type)
    const list = this.#listeners.get(name) ?? []
    if (list.some((entry) => entry.listener === listener)) return
    const { once = false, signal } = typeof options === 'object' ? options : {}
    if (signal?.aborted === true) return
    signal?.addEventListener('abort', () => this.removeEventListener(name, listener))
    this.#listeners.set(name, [...list, { listener, once }])
  }

  removeEventListener(type: unknown, listener: Listener | null): void {
    const name = String(type)
    const list = this.#listeners.get(name)?.filter((entry) => entry.listener !== listener)
    if (list !== undefined) this.#listeners.set(name, list)
  }

  dispatchEvent(event: Event): boolean {
    event.target = this
    event.currentTarget = this
    for (const { listener, once } of this.#listeners.get(event.type) ?? []) {
      if (once) this.removeEventListener(event.type, listener)
      try {
        if (typeof listener === 'function') listener.call(this, event)
        else listener.handleEvent(event)
      } catch (error) {
        // As in browsers and Node: reported as uncaught, while the other listeners still run.
        Promise.reject(error)
      }
      if (event.stopped) break
    }
    event.currentTarget = null
    return !event.defaultPrevented
  }
}

export class DOMException extends Error {
  override readonly name: string
  readonly code: number

  constructor(message = '', name = 'Error') {
    super(message)
    this.name = name
    this.code = name === 'AbortError' ? 20 : name === 'TimeoutError' ? 23 : name === 'DataCloneError' ? 25 : 0
  }
}

const MAKE = Symbol('only a controller makes a signal')

export class AbortSignal extends EventTarget {
  aborted = false
  reason: unknown = undefined
  onabort: ((event: Event) => void) | null = null

  constructor(key?: unknown) {
    super()
    if (key !== MAKE) throw new TypeError('Illegal constructor')
  }

  static abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): AbortSignal {
    const signal = new AbortSignal(MAKE)
    abort(signal, reason)
    return signal
  }

  static timeout(delayMs: number): AbortSignal {
    const signal = new AbortSignal(MAKE)
    setTimeout(() => abort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delayMs)
    return signal
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const all = [...signals]
    const joined = new AbortSignal(MAKE)
    for (const signal of all) {
      if (signal.aborted) abort(joined, signal.reason)
      else signal.addEventListener('abort', () => abort(joined, signal.reason), { once: true })
    }
    return joined
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }
}

function abort(signal: AbortSignal, reason: unknown): void {
  if (signal.aborted) return
  signal.aborted = true
  signal.reason = reason
  const event = new Event('abort')
  signal.onabort?.(event)
  signal.dispatchEvent(event)
}

export class AbortController {
  readonly signal = new AbortSignal(MAKE)

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    abort(this.signal, reason)
  }
}
