type Listener = (...values: unknown[]) => void
type Entry = Listener & { listener?: Listener }

/** An event emitter as Node's behaves, for what the glue itself offers: it must not need the library of `node:` modules. */
export class EventEmitter {
  readonly #listeners = new Map<PropertyKey, Entry[]>()
  #listenersMax = 10

  on(name: PropertyKey, listener: Listener): this {
    return this.#add(name, listener, false)
  }

  addListener(name: PropertyKey, listener: Listener): this {
    return this.#add(name, listener, false)
  }

  prependListener(name: PropertyKey, listener: Listener): this {
    return this.#add(name, listener, true)
  }

  once(name: PropertyKey, listener: Listener): this {
    return this.#add(name, this.#onceOf(name, listener), false)
  }

  prependOnceListener(name: PropertyKey, listener: Listener): this {
    return this.#add(name, this.#onceOf(name, listener), true)
  }

  off(name: PropertyKey, listener: Listener): this {
    return this.removeListener(name, listener)
  }

  removeListener(name: PropertyKey, listener: Listener): this {
    const list = this.#listeners.get(name) ?? []
    const index = list.findLastIndex((one) => one === listener || one.listener === listener)
    if (index < 0) return this
    const kept = list.toSpliced(index, 1)
    if (kept.length === 0) this.#listeners.delete(name)
    else this.#listeners.set(name, kept)
    if (this.#listeners.has('removeListener')) this.emit('removeListener', name, listener)
    return this
  }

  removeAllListeners(name?: PropertyKey): this {
    if (name === undefined) this.#listeners.clear()
    else this.#listeners.delete(name)
    return this
  }

  emit(name: PropertyKey, ...values: unknown[]): boolean {
    const list = this.#listeners.get(name)
    if (list === undefined) {
      if (name !== 'error') return false
      throw values[0] instanceof Error ? values[0] : Object.assign(new Error('Unhandled error.'), { code: 'ERR_UNHANDLED_ERROR' })
    }
    for (const listener of list) listener.apply(this, values)
    return true
  }

  listeners(name: PropertyKey): Listener[] {
    return (this.#listeners.get(name) ?? []).map((one) => one.listener ?? one)
  }

  rawListeners(name: PropertyKey): Listener[] {
    return [...(this.#listeners.get(name) ?? [])]
  }

  listenerCount(name: PropertyKey): number {
    return this.#listeners.get(name)?.length ?? 0
  }

  eventNames(): PropertyKey[] {
    return [...this.#listeners.keys()]
  }

  setMaxListeners(count: number): this {
    this.#listenersMax = count
    return this
  }

  getMaxListeners(): number {
    return this.#listenersMax
  }

  #onceOf(name: PropertyKey, listener: Listener): Entry {
    const emitter = this
    const once: Entry = function (this: unknown, ...values: unknown[]): void {
      emitter.removeListener(name, once)
      listener.apply(this, values)
    }
    once.listener = listener
    return once
  }

  #add(name: PropertyKey, listener: Entry, first: boolean): this {
    if (typeof listener !== 'function') {
      throw Object.assign(new TypeError('The "listener" argument must be of type function'), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    if (this.#listeners.has('newListener')) this.emit('newListener', name, listener.listener ?? listener)
    // A new list each time: an emit under way goes on with the one that it began.
    const list = this.#listeners.get(name) ?? []
    this.#listeners.set(name, first ? [listener, ...list] : [...list, listener])
    return this
  }
}
