import { ReadableByteStreamController, ReadableStream, TransformStream, WritableStream } from 'web-streams-polyfill'
import { inspectable, membersOf } from '../idl.guest.ts'

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter
} from 'web-streams-polyfill'

/** Whether anything was ever read of it, as the standard calls it; the ponyfill keeps it in a field that it does not name in its types. */
export function isDisturbed(stream: ReadableStream): boolean {
  return (stream as unknown as { _disturbed?: boolean })._disturbed === true
}

export function isReadableStream(value: unknown): value is ReadableStream {
  return value instanceof ReadableStream
}

/** The ponyfill keeps what it knows in fields of the objects, where the console would show them. */
interface Inner {
  readonly _state: string
  readonly _storedError?: unknown
  readonly _readableStreamController?: { error(reason: unknown): void }
  readonly _writableStreamController?: { error(reason: unknown): void }
}
const inner = (stream: object): Inner => stream as unknown as Inner

inspectable(ReadableStream, (stream) => ({
  locked: stream.locked,
  state: inner(stream)._state,
  supportsBYOB: inner(stream)._readableStreamController instanceof ReadableByteStreamController
}))
inspectable(WritableStream, (stream) => ({ locked: stream.locked, state: inner(stream)._state }))
inspectable(TransformStream, membersOf('readable', 'writable'))

/** By these names Node's `finished`, `pipeline` and `addAbortSignal` look at a web stream and end it. */
const ofNode = (name: string) => Symbol.for(`nodejs.${name}`)
const ends = new WeakMap<object, { promise: Promise<void> }>()

/** Of the first who asks on: the ponyfill says to nobody that a stream has ended, but it writes its state. */
function endOf(stream: object): { promise: Promise<void> } {
  const known = ends.get(stream)
  if (known !== undefined) return known
  let state = inner(stream)._state
  const promise = new Promise<void>((resolve, reject) => {
    const changed = () => {
      if (state === 'closed') resolve()
      // The error is stored after the state.
      else if (state === 'errored') queueMicrotask(() => reject(inner(stream)._storedError))
    }
    const set = (value: string) => {
      state = value
      changed()
    }
    Object.defineProperty(stream, '_state', { get: () => state, set, configurable: true })
    changed()
  })
  promise.catch(() => undefined)
  const end = { promise }
  ends.set(stream, end)
  return end
}

function known(prototype: object, members: Record<string, (stream: object) => unknown>): void {
  for (const [name, read] of Object.entries(members)) {
    Object.defineProperty(prototype, ofNode(name), {
      get(this: object) {
        return read(this)
      },
      configurable: true
    })
  }
}

const errored = (stream: object) => inner(stream)._state === 'errored'
const fail = (stream: object) => (reason: unknown) =>
  (inner(stream)._readableStreamController ?? inner(stream)._writableStreamController)?.error(reason)
const either = { 'webstream.isClosedPromise': endOf, 'webstream.controllerErrorFunction': fail, 'stream.errored': errored }

known(ReadableStream.prototype, {
  ...either,
  'stream.readable': (stream) => inner(stream)._state === 'readable',
  'stream.disturbed': (stream) => isDisturbed(stream as ReadableStream)
})
known(WritableStream.prototype, { ...either, 'stream.writable': (stream) => inner(stream)._state === 'writable' })
