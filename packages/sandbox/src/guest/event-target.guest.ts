import { DOMException } from './dom-exception.guest.ts'
import { Event, stateOf, states } from './event.guest.ts'
import { enumerable, inspectable, membersOf } from './idl.guest.ts'
import { report } from './uncaught.guest.ts'

/** Later parts of the glue know them by this module. */
export { CustomEvent, Event, type EventOptions } from './event.guest.ts'

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown }

interface ListenerOptions {
  capture?: boolean
  once?: boolean
  passive?: boolean
  signal?: AbortSignal
}

interface Entry {
  listener: Listener
  capture: boolean
  once: boolean
  passive: boolean
  removed: boolean
}

/** How many listeners of a kind a target has now. */
let counted: (target: EventTarget, type: string, listeners: number) => void

/** Listeners of one target. A leak of more than that is a fault of the function. */
const LISTENERS_MAX = 100_000

/** Who listens to what, in their order. */
export let listenersOf: (target: EventTarget, type: string) => Listener[]

export class EventTarget {
  readonly #listeners = new Map<string, Entry[]>()

  addEventListener(...args: [type?: unknown, listener?: Listener | null, options?: boolean | ListenerOptions | null]): void {
    if (args.length < 2) throw new TypeError('The "type" and "listener" arguments must be specified')
    const [type, listener, options] = args
    if (listener !== undefined && typeof listener !== 'function' && typeof listener !== 'object') {
      throw new TypeError('The "listener" argument must be an instance of EventListener')
    }
    const { capture = false, once = false, passive = false, signal } = optionsOf(options)
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError('The "options.signal" property must be an instance of AbortSignal')
    }
    if (listener === null || listener === undefined || signal?.aborted === true) return
    const name = String(type)
    const list = this.#listeners.get(name) ?? []
    if (list.some((entry) => entry.listener === listener && entry.capture === Boolean(capture))) return
    if (list.length >= LISTENERS_MAX) throw new RangeError(`${list.length} listeners of '${name}', at most ${LISTENERS_MAX}`)
    const entry = { listener, capture: Boolean(capture), once: Boolean(once), passive: Boolean(passive), removed: false }
    this.#listeners.set(name, [...list, entry])
    counted(this, name, list.length + 1)
    signal?.addEventListener('abort', () => this.#remove(name, entry), { once: true })
  }

  removeEventListener(...args: [type?: unknown, listener?: Listener | null, options?: boolean | ListenerOptions | null]): void {
    if (args.length < 2) throw new TypeError('The "type" and "listener" arguments must be specified')
    const [type, listener, options] = args
    const { capture = false } = optionsOf(options)
    const name = String(type)
    const found = this.#listeners.get(name)?.find((one) => one.listener === listener && one.capture === Boolean(capture))
    if (found !== undefined) this.#remove(name, found)
  }

  #remove(name: string, entry: Entry): void {
    entry.removed = true
    const rest = this.#listeners.get(name)?.filter((one) => one !== entry) ?? []
    if (rest.length === 0) this.#listeners.delete(name)
    else this.#listeners.set(name, rest)
    counted(this, name, rest.length)
  }

  dispatchEvent(event: Event): boolean {
    const state = states.get(event)
    if (state === undefined) throw new TypeError('The "event" argument must be an instance of Event')
    if (state.dispatching) throw new DOMException('The event is already being dispatched', 'InvalidStateError')
    const face = (faces.get(this) ?? this) as EventTarget
    state.target = face
    state.dispatching = true
    for (const entry of this.#listeners.get(event.type) ?? []) {
      if (entry.removed) continue
      if (entry.once) this.#remove(event.type, entry)
      state.passive = entry.passive
      try {
        const { listener } = entry
        if (typeof listener === 'function') listener.call(face, event)
        else listener.handleEvent(event)
      } catch (error) {
        reportError(error)
      }
      state.passive = false
      if (state.stopped) break
    }
    state.dispatching = false
    return !state.prevented
  }

  get [Symbol.toStringTag](): string {
    return 'EventTarget'
  }

  static {
    listenersOf = (target, type) => target.#listeners.get(type)?.map(({ listener }) => listener) ?? []
  }
}

function optionsOf(options: boolean | ListenerOptions | null | undefined): ListenerOptions {
  if (typeof options === 'object' && options !== null) return options
  return { capture: Boolean(options) }
}

/** Targets that are only seen behind another object. */
const faces = new WeakMap<EventTarget, object>()

export function showAs(target: EventTarget, face: object): void {
  faces.set(target, face)
}

/** An exception that nobody can catch: listeners of the global object hear of it, else it is logged. In Node it would end the process. */
export function reportError(...args: unknown[]): void {
  if (args.length === 0) throw new TypeError('The "error" argument must be specified')
  report(args[0])
}

/** `onabort` and the like: an attribute that holds one listener, in the order in which it was first set. */
export function defineHandler(target: { prototype: EventTarget }, type: string): void {
  const held = new WeakMap<EventTarget, { value: unknown; listen: (event: Event) => unknown }>()
  Object.defineProperty(target.prototype, `on${type}`, {
    get(this: EventTarget) {
      return held.get(this)?.value ?? null
    },
    set(this: EventTarget, value: unknown) {
      const before = held.get(this)
      if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) {
        if (before !== undefined) this.removeEventListener(type, before.listen)
        held.delete(this)
        return
      }
      if (before !== undefined) {
        before.value = value
        return
      }
      const slot = {
        value,
        listen: (event: Event) => (typeof slot.value === 'function' ? slot.value.call(this, event) : undefined)
      }
      held.set(this, slot)
      this.addEventListener(type, slot.listen)
    },
    enumerable: true,
    configurable: true
  })
}

/** Only a controller and the clock may abort a signal. */
let abort: (signal: AbortSignal, reason: unknown) => void
const MAKE = Symbol('only a controller makes a signal')
const TIMEOUT_MS_MAX = Number.MAX_SAFE_INTEGER
/** With fewer signals made of one it is not looked which of them are gone. */
const FOLLOWERS_SWEPT_MIN = 64

export class AbortSignal extends EventTarget {
  #aborted = false
  #reason: unknown
  /** Signals made of this one, which abort with it. A signal may live as long as the instance: it holds only those whose abortion somebody waits for. */
  #followers: WeakRef<AbortSignal>[] = []
  #followersAtSweep = 0
  readonly #awaited = new Set<AbortSignal>()
  #sources: AbortSignal[] = []
  declare onabort: ((event: Event) => unknown) | null

  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    super()
  }

  static abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): AbortSignal {
    const signal = new AbortSignal(MAKE)
    signal.#aborted = true
    signal.#reason = reason
    return signal
  }

  static timeout(delayMs: unknown): AbortSignal {
    const delay = Number(delayMs)
    if (!(Number.isInteger(delay) && delay >= 0 && delay <= TIMEOUT_MS_MAX)) {
      throw new RangeError(`The value of "delay" is out of range. It must be >= 0 && <= ${TIMEOUT_MS_MAX}. Received ${delayMs}`)
    }
    const signal = new AbortSignal(MAKE)
    const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
    ;(setTimeout(() => abort(signal, reason), delay) as unknown as { unref(): void }).unref()
    return signal
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const all = [...signals]
    for (const signal of all) {
      if (!(signal instanceof AbortSignal)) throw new TypeError('The "signals" argument must be an iterable of AbortSignal')
    }
    const joined = new AbortSignal(MAKE)
    const first = all.find((signal) => signal.#aborted)
    if (first !== undefined) {
      joined.#aborted = true
      joined.#reason = first.#reason
      return joined
    }
    const sources = new Set(all.flatMap((signal) => (signal.#sources.length > 0 ? signal.#sources : [signal])))
    joined.#sources = [...sources]
    for (const source of sources) source.#follow(joined)
    return joined
  }

  #follow(follower: AbortSignal): void {
    this.#followers.push(new WeakRef(follower))
    if (this.#followers.length < FOLLOWERS_SWEPT_MIN || this.#followers.length < this.#followersAtSweep * 2) return
    this.#followers = this.#followers.filter((one) => one.deref() !== undefined)
    this.#followersAtSweep = this.#followers.length
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  override get [Symbol.toStringTag](): string {
    return 'AbortSignal'
  }

  static {
    abort = (signal, reason) => {
      if (signal.#aborted) return
      const followers = signal.#followers.map((follower) => follower.deref())
      const all = [signal, ...followers.filter((follower) => follower?.aborted === false)] as AbortSignal[]
      for (const one of all) {
        one.#aborted = true
        one.#reason = reason
      }
      signal.#followers = []
      signal.#awaited.clear()
      for (const one of all) {
        const event = new Event('abort')
        stateOf(event).trusted = true
        one.dispatchEvent(event)
      }
    }
    counted = (target, type, listeners) => {
      if (type !== 'abort' || !(#sources in target)) return
      for (const source of target.#sources) {
        if (listeners > 0 && !target.#aborted) source.#awaited.add(target)
        else source.#awaited.delete(target)
      }
    }
  }
}

defineHandler(AbortSignal, 'abort')

export class AbortController {
  readonly #signal = new AbortSignal(MAKE)

  get signal(): AbortSignal {
    return this.#signal
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    abort(this.#signal, reason)
  }

  get [Symbol.toStringTag](): string {
    return 'AbortController'
  }
}

enumerable(EventTarget, AbortSignal, AbortController)
inspectable(AbortSignal, membersOf('aborted'))
inspectable(AbortController, membersOf('signal'))
