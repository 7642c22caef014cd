import type { ServerResponse } from 'node:http'
import type { StreamHead, StreamSink, StreamSource } from '@peerless/interface'
import { ANSWER_STALL_MS_MAX } from './limits.ts'

/** How the parts of a streamed answer look on one client's connection. */
export interface StreamShape {
  /** Writes the head of the answer; false when it can't be written, and then nothing more comes. */
  head(head: StreamHead): boolean
  /** The bytes that go out for one chunk. */
  chunk(bytes: Uint8Array): Uint8Array
}

/**
 * A streamed answer on its way to one client. Credit is given when the socket has taken a chunk, so a function runs at most a window ahead
 * of a slow client; a client that goes away closes the function's stream, and the function runs to its own end.
 */
export class StreamAnswer implements StreamSink {
  readonly #response: ServerResponse
  readonly #shape: StreamShape
  #opened = false
  #written = false
  #cut = false
  /** Chunks that the socket has not taken yet: at most a window. */
  #pending = 0
  #source: StreamSource | undefined

  constructor(response: ServerResponse, shape: StreamShape) {
    this.#response = response
    this.#shape = shape
  }

  /** Something of the answer was sent: an error can only be told by how it ends. */
  get opened(): boolean {
    return this.#opened
  }

  open(head: StreamHead, source: StreamSource): void {
    const response = this.#response
    this.#source = source
    this.#opened = true
    if (response.destroyed || !this.#shape.head(head)) {
      source.cancel()
      return
    }
    response.once('close', () => {
      if (!response.writableFinished) source.cancel()
    })
    // The head goes out even if the first byte of the body takes its time; a chunk that is here already goes with it.
    process.nextTick(() => {
      if (!this.#written && !response.destroyed) response.flushHeaders()
    })
  }

  chunk(bytes: Uint8Array): void {
    const response = this.#response
    if (response.destroyed) return
    this.#written = true
    this.#pending++
    response.write(this.#shape.chunk(bytes), () => {
      this.#pending--
      this.#source?.credit(bytes.length)
      if (this.#cut && this.#pending === 0) this.#abort()
    })
  }

  /** Ends the connection after what was written, without an end of the answer: the client sees that it is not whole. */
  cut(): void {
    this.#cut = true
    // Whoever takes nothing of what is left loses it.
    if (this.#pending > 0) this.#response.socket?.setTimeout(ANSWER_STALL_MS_MAX)
    else this.#abort()
  }

  /** To HTTP/1.0 the end of the connection is the end of the answer (RFC 9112, section 6.3): only a reset says that it is not. */
  #abort(): void {
    const { req, socket } = this.#response
    if (req.httpVersionMinor === 0) socket?.resetAndDestroy()
    else this.#response.destroy()
  }
}
