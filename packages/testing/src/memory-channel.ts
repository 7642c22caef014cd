import type { ByteChannel } from '@peerless/interface'

/** Two ends of a channel in memory. Delivery is asynchronous and in order, one chunk per `send`. */
export function memoryChannelPair(): [MemoryChannel, MemoryChannel] {
  const a = new MemoryChannel()
  const b = new MemoryChannel()
  a.peer = b
  b.peer = a
  return [a, b]
}

export class MemoryChannel implements ByteChannel {
  peer: MemoryChannel | undefined
  #receive: ((chunk: Uint8Array) => void) | undefined
  #closed: ((error: Error | undefined) => void) | undefined
  #held: Uint8Array[] = []
  #over = false
  #frozen = false
  #reason: Error | undefined

  send(bytes: Uint8Array): boolean {
    const copy = Uint8Array.from(bytes)
    queueMicrotask(() => this.peer?.deliver(copy))
    return true
  }

  onBytes(receive: (chunk: Uint8Array) => void): void {
    this.#receive = receive
    for (const chunk of this.#held.splice(0)) receive(chunk)
  }

  onDrain(): void {
    // It is never full.
  }

  onClose(closed: (error: Error | undefined) => void): void {
    this.#closed = closed
    if (this.#over) queueMicrotask(() => closed(this.#reason))
  }

  close(error?: Error): void {
    this.end(error)
    queueMicrotask(() => this.peer?.end(undefined))
  }

  deliver(chunk: Uint8Array): void {
    if (this.#over) return
    if (this.#receive === undefined || this.#frozen) this.#held.push(chunk)
    else this.#receive(chunk)
  }

  /** While it is frozen, what comes waits, as in the socket of a process that stands still. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen
    if (frozen || this.#receive === undefined) return
    for (const chunk of this.#held.splice(0)) this.#receive(chunk)
  }

  end(error: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#reason = error
    this.#closed?.(error)
  }
}
