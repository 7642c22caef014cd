import { TELL } from '../bridge-operations.ts'
import { tell } from './bridge.guest.ts'
import { watchHost } from './stack-guard.guest.ts'

type Listener = (...values: unknown[]) => unknown

interface Entry {
  listener: Listener
  once: boolean
}

/** Of all names together. A leak of more than that is a fault of the function. */
const LISTENERS_MAX = 10_000
const REJECTION = 'unhandledRejection'

let lists = Object.create(null) as Record<string, Entry[]>
let count = 0
let listens = false

/** The executor asks for the function's own opinion of a rejection only where there is one. */
export function listenToRejections(): void {
  if (listens) return
  listens = true
  watchHost()
  tell(TELL.LISTENS, 1)
}

function add(name: string, listener: unknown, once: boolean, first: boolean): void {
  if (typeof listener !== 'function') {
    throw Object.assign(new TypeError('The "listener" argument must be of type function'), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  if (count >= LISTENERS_MAX) throw new RangeError(`${count} listeners of process, at most ${LISTENERS_MAX}`)
  count++
  if (name === REJECTION) listenToRejections()
  const entry = { listener: listener as Listener, once }
  const list = lists[name] ?? []
  lists[name] = first ? [entry, ...list] : [...list, entry]
}

function remove(name: string, listener: unknown): void {
  const list = lists[name] ?? []
  const index = list.findLastIndex((entry) => entry.listener === listener)
  if (index < 0) return
  count--
  lists[name] = list.filter((_entry, at) => at !== index)
}

/** Calls the listeners in their order. Returns whether there were any. @throws what one of them throws */
export function emitProcess(name: string, ...values: unknown[]): boolean {
  const list = lists[name]
  if (list === undefined || list.length === 0) return false
  for (const { listener, once } of list) {
    if (once) remove(name, listener)
    listener(...values)
  }
  return true
}

/** `on`, `off` and the like of `process`: what happens to nobody's surprise in an isolate (signals, warnings) is never emitted. */
export function processEvents(process: Record<string, unknown>): Record<string, unknown> {
  const adder = (once: boolean, first: boolean) => (name: unknown, listener: unknown) => {
    add(String(name), listener, once, first)
    return process
  }
  const remover = (name: unknown, listener: unknown) => {
    remove(String(name), listener)
    return process
  }
  const listenersOf = (name: unknown) => (lists[String(name)] ?? []).map(({ listener }) => listener)
  return {
    on: adder(false, false),
    addListener: adder(false, false),
    once: adder(true, false),
    prependListener: adder(false, true),
    prependOnceListener: adder(true, true),
    off: remover,
    removeListener: remover,
    removeAllListeners: (name: unknown) => {
      count -= name === undefined ? count : (lists[String(name)]?.length ?? 0)
      if (name === undefined) lists = Object.create(null) as Record<string, Entry[]>
      else delete lists[String(name)]
      return process
    },
    listeners: listenersOf,
    rawListeners: listenersOf,
    listenerCount: (name: unknown) => lists[String(name)]?.length ?? 0,
    eventNames: () => Object.keys(lists).filter((name) => (lists[name] as Entry[]).length > 0),
    setMaxListeners: () => process,
    getMaxListeners: () => LISTENERS_MAX,
    emit: (name: unknown, ...values: unknown[]) => emitProcess(String(name), ...values)
  }
}
