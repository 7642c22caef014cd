import type { Event, EventTarget } from './event-target.guest.ts'
import { define } from './intrinsics.guest.ts'
import { listenToRejections } from './process-events.guest.ts'

type Handler = (...values: unknown[]) => unknown

const REJECTION = 'unhandledrejection'
const ATTRIBUTES = ['error', REJECTION, 'rejectionhandled']

let made: EventTarget | undefined

/** Stands behind the global object, whose prototype cannot become another; made when somebody listens. */
function target(): EventTarget {
  if (made === undefined) {
    const { EventTarget: Target, showAs } = require('./event-target.guest.ts') as typeof import('./event-target.guest.ts')
    made = new Target()
    showAs(made, globalThis)
  }
  return made
}

/** The part of the web's global scope that is about events: `error`, `unhandledrejection`, and whatever a function sends itself. */
export function installGlobalEvents(): void {
  define(globalThis, 'addEventListener', (...args: Parameters<EventTarget['addEventListener']>) => {
    if (`${args[0]}` === REJECTION) listenToRejections()
    target().addEventListener(...args)
  })
  define(globalThis, 'removeEventListener', (...args: Parameters<EventTarget['removeEventListener']>) => {
    target().removeEventListener(...args)
  })
  define(globalThis, 'dispatchEvent', (event: Event) => target().dispatchEvent(event))
  for (const type of ATTRIBUTES) installAttribute(type)
}

function installAttribute(type: string): void {
  let handler: Handler | null = null
  let listening = false
  const listen = (event: Event) => {
    if (handler === null) return
    if (type !== 'error') {
      handler.call(globalThis, event)
      return
    }
    // The one handler of the web that is given the parts instead of the event, and says with `true` that it dealt with it.
    const { message, filename, lineno, colno, error } = event as Event & Record<string, unknown>
    if (handler.call(globalThis, message, filename, lineno, colno, error) === true) event.preventDefault()
  }
  Object.defineProperty(globalThis, `on${type}`, {
    get: () => handler,
    set: (value: unknown) => {
      handler = typeof value === 'function' ? (value as Handler) : null
      if (handler === null || listening) return
      listening = true
      if (type === REJECTION) listenToRejections()
      target().addEventListener(type, listen)
    },
    enumerable: false,
    configurable: true
  })
}

/** Sends an event to the global object's listeners, if there can be any. Returns whether one of them prevented what would come otherwise. */
export function dispatchGlobal(makeEvent: () => Event): boolean {
  return made !== undefined && !made.dispatchEvent(makeEvent())
}
