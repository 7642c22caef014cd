import type { EventTarget } from './event-target.guest.ts'
import { enumerable, inspectable, membersOf } from './idl.guest.ts'
import { now, timeOrigin } from './intrinsics.guest.ts'

export interface EventOptions {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

interface EventState {
  target: EventTarget | null
  dispatching: boolean
  stopped: boolean
  propagation: boolean
  prevented: boolean
  passive: boolean
  /** Sent by the platform, not by the function. */
  trusted: boolean
}

/** What only the platform may change. */
export const states = new WeakMap<Event, EventState>()

/** @throws TypeError for what is no event */
export function stateOf(event: Event): EventState {
  const state = states.get(event)
  if (state === undefined) throw new TypeError('The "event" argument must be an instance of Event')
  return state
}

/** Without a tree there is one target, no capturing and no bubbling; the members that speak of them are there. */
export class Event {
  #type: string
  #options: EventOptions
  readonly #at = now()

  constructor(...args: [type?: unknown, options?: EventOptions | null]) {
    if (args.length === 0) throw new TypeError('The "type" argument must be specified')
    this.#type = `${args[0] as string}`
    const { bubbles = false, cancelable = false, composed = false } = args[1] ?? {}
    this.#options = { bubbles: Boolean(bubbles), cancelable: Boolean(cancelable), composed: Boolean(composed) }
    states.set(this, {
      target: null,
      dispatching: false,
      stopped: false,
      propagation: true,
      prevented: false,
      passive: false,
      trusted: false
    })
  }

  initEvent(...args: [type?: unknown, bubbles?: unknown, cancelable?: unknown]): void {
    if (args.length === 0) throw new TypeError('The "type" argument must be specified')
    const state = stateOf(this)
    if (state.dispatching) return
    this.#type = `${args[0] as string}`
    this.#options = { ...this.#options, bubbles: Boolean(args[1]), cancelable: Boolean(args[2]) }
    Object.assign(state, { stopped: false, propagation: true, prevented: false, trusted: false })
  }

  get type(): string {
    return this.#type
  }

  get bubbles(): boolean {
    return this.#options.bubbles === true
  }

  get cancelable(): boolean {
    return this.#options.cancelable === true
  }

  get composed(): boolean {
    return this.#options.composed === true
  }

  get target(): EventTarget | null {
    return stateOf(this).target
  }

  get srcElement(): EventTarget | null {
    return stateOf(this).target
  }

  get currentTarget(): EventTarget | null {
    const state = stateOf(this)
    return state.dispatching ? state.target : null
  }

  get eventPhase(): number {
    return stateOf(this).dispatching ? Event.AT_TARGET : Event.NONE
  }

  get defaultPrevented(): boolean {
    return stateOf(this).prevented
  }

  get returnValue(): boolean {
    return !stateOf(this).prevented
  }

  set returnValue(value: boolean) {
    if (!value) this.preventDefault()
  }

  get cancelBubble(): boolean {
    return !stateOf(this).propagation
  }

  set cancelBubble(value: boolean) {
    if (value) this.stopPropagation()
  }

  get timeStamp(): number {
    return this.#at - timeOrigin
  }

  get isTrusted(): boolean {
    return stateOf(this).trusted
  }

  composedPath(): EventTarget[] {
    const { dispatching, target } = stateOf(this)
    return dispatching && target !== null ? [target] : []
  }

  preventDefault(): void {
    const state = stateOf(this)
    if (this.cancelable && !state.passive) state.prevented = true
  }

  stopPropagation(): void {
    stateOf(this).propagation = false
  }

  stopImmediatePropagation(): void {
    const state = stateOf(this)
    state.propagation = false
    state.stopped = true
  }

  get [Symbol.toStringTag](): string {
    return 'Event'
  }

  declare static readonly NONE: 0
  declare static readonly CAPTURING_PHASE: 1
  declare static readonly AT_TARGET: 2
  declare static readonly BUBBLING_PHASE: 3
}

for (const [name, value] of Object.entries({ NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 })) {
  for (const target of [Event, Event.prototype]) Object.defineProperty(target, name, { value, enumerable: true })
}

export class CustomEvent extends Event {
  readonly #detail: unknown

  constructor(...args: [type?: unknown, options?: (EventOptions & { detail?: unknown }) | null]) {
    super(...args)
    this.#detail = args[1]?.detail ?? null
  }

  get detail(): unknown {
    return this.#detail
  }

  override get [Symbol.toStringTag](): string {
    return 'CustomEvent'
  }
}

enumerable(Event, CustomEvent)
inspectable(Event, membersOf('type', 'defaultPrevented', 'cancelable', 'timeStamp'))
