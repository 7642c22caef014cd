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
  readonly _readableStreamController?: unknown
}
const inner = (stream: object): Inner => stream as unknown as Inner

inspectable(ReadableStream, (stream) => ({
  locked: stream.locked,
  state: inner(stream)._state,
  supportsBYOB: inner(stream)._readableStreamController instanceof ReadableByteStreamController
}))
inspectable(WritableStream, (stream) => ({ locked: stream.locked, state: inner(stream)._state }))
inspectable(TransformStream, membersOf('readable', 'writable'))
