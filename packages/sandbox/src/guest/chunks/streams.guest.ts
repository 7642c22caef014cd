import { ReadableStream } from 'web-streams-polyfill'

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
