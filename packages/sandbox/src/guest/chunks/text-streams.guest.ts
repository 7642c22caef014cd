import { TextDecoder, TextEncoder } from '../encoding.guest.ts'
import { enumerable } from '../idl.guest.ts'
import { type ReadableStream, TransformStream, type WritableStream } from './streams.guest.ts'

export class TextEncoderStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor() {
    const encoder = new TextEncoder()
    /** The first half of a character whose second half comes with the next chunk. */
    let high = ''
    this.#transform = new TransformStream({
      transform(chunk, controller) {
        let text = high + String(chunk)
        const last = text.charCodeAt(text.length - 1)
        high = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : ''
        if (high !== '') text = text.slice(0, -1)
        if (text !== '') controller.enqueue(encoder.encode(text))
      },
      flush(controller) {
        if (high !== '') controller.enqueue(encoder.encode(high))
      }
    })
  }

  get encoding(): string {
    return 'utf-8'
  }

  get readable(): ReadableStream {
    return this.#transform.readable as ReadableStream
  }

  get writable(): WritableStream {
    return this.#transform.writable as WritableStream
  }

  get [Symbol.toStringTag](): string {
    return 'TextEncoderStream'
  }
}

export class TextDecoderStream {
  readonly #decoder: TextDecoder
  readonly #transform: TransformStream<unknown, string>

  constructor(label: unknown = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    const decoder = new TextDecoder(label as string, options)
    this.#decoder = decoder
    this.#transform = new TransformStream({
      transform(chunk, controller) {
        // `decode` takes it for no bytes.
        if (chunk === undefined)
          throw new TypeError('The "chunk" argument must be an instance of ArrayBuffer or ArrayBufferView.')
        const text = decoder.decode(chunk as Uint8Array, { stream: true })
        if (text !== '') controller.enqueue(text)
      },
      flush(controller) {
        const text = decoder.decode()
        if (text !== '') controller.enqueue(text)
      }
    })
  }

  get encoding(): string {
    return this.#decoder.encoding
  }

  get fatal(): boolean {
    return this.#decoder.fatal
  }

  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM
  }

  get readable(): ReadableStream {
    return this.#transform.readable as ReadableStream
  }

  get writable(): WritableStream {
    return this.#transform.writable as WritableStream
  }

  get [Symbol.toStringTag](): string {
    return 'TextDecoderStream'
  }
}

enumerable(TextEncoderStream, TextDecoderStream)
