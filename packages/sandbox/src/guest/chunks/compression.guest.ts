import { JOB } from '../../bridge-operations.ts'
import { bytesOf } from '../encoding.guest.ts'
import { enumerable } from '../idl.guest.ts'
import { runJob } from '../jobs.guest.ts'
import {
  type ReadableStream,
  TransformStream,
  type TransformStreamDefaultController,
  type WritableStream
} from './streams.guest.ts'

let streams = 0

/** What was given up without being ended: the executor's side is let go when this one is collected. */
const forgotten = new FinalizationRegistry<number>((stream) => {
  close(stream)
})

function close(stream: number): void {
  runJob(JOB.ZLIB, JSON.stringify({ stream, close: true }), undefined).catch(() => undefined)
}

/** A stream of the executor's zlib, one step after the other: each piece goes over, and what came out comes back. */
function zlibStream(kind: string): TransformStream<unknown, Uint8Array> {
  const stream = ++streams
  let over = false
  const run = async (piece: Uint8Array | undefined, controller: TransformStreamDefaultController<Uint8Array>) => {
    for (let next = piece, state = ''; !over; next = undefined) {
      const order = { stream, kind, end: piece === undefined }
      const { text, bytes } = await runJob(JOB.ZLIB, JSON.stringify(order), next)
      state = text
      if (bytes !== undefined && bytes.length > 0) controller.enqueue(bytes)
      over = state === 'end'
      if (state !== 'more') return
    }
  }
  const made = new TransformStream<unknown, Uint8Array>({
    async transform(chunk, controller) {
      if (!(chunk instanceof ArrayBuffer) && !ArrayBuffer.isView(chunk)) {
        throw new TypeError('The "chunk" argument must be an instance of ArrayBuffer, TypedArray, or DataView.')
      }
      if (over) throw new TypeError('Unexpected input after the end of the compressed data')
      const bytes = bytesOf(chunk)
      if (bytes.length > 0) await run(bytes.slice(), controller)
    },
    async flush(controller) {
      if (!over) await run(undefined, controller)
    },
    cancel() {
      close(stream)
    }
  })
  forgotten.register(made, stream)
  return made
}

const FORMATS: Readonly<Record<string, readonly [deflating: string, inflating: string]>> = {
  gzip: ['gzip', 'gunzip'],
  deflate: ['deflate', 'inflate'],
  'deflate-raw': ['deflate-raw', 'inflate-raw'],
  brotli: ['brotli', 'unbrotli']
}

function formatOf(alleged: unknown): readonly [string, string] {
  const found = Object.hasOwn(FORMATS, String(alleged)) ? FORMATS[String(alleged)] : undefined
  if (found === undefined) {
    throw new TypeError(`The argument 'format' must be one of: ${Object.keys(FORMATS).join(', ')}. Received ${String(alleged)}`)
  }
  return found
}

export class CompressionStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor(...args: [format?: unknown]) {
    this.#transform = zlibStream(formatOf(args[0])[0])
  }

  get readable(): ReadableStream {
    return this.#transform.readable as ReadableStream
  }

  get writable(): WritableStream {
    return this.#transform.writable as WritableStream
  }

  get [Symbol.toStringTag](): string {
    return 'CompressionStream'
  }
}

export class DecompressionStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor(...args: [format?: unknown]) {
    this.#transform = zlibStream(formatOf(args[0])[1])
  }

  get readable(): ReadableStream {
    return this.#transform.readable as ReadableStream
  }

  get writable(): WritableStream {
    return this.#transform.writable as WritableStream
  }

  get [Symbol.toStringTag](): string {
    return 'DecompressionStream'
  }
}

enumerable(CompressionStream, DecompressionStream)
