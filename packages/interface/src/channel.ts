/**
 * A two-way byte channel: an executor's pipe, a libp2p stream, or memory. Order is kept, chunks are cut anywhere.
 */
export interface ByteChannel {
  /**
   * Takes the bytes; they must not be changed afterwards. Returns false when the other side is slow:
   * the bytes are taken all the same, but the sender should wait for `onDrain`.
   */
  send(bytes: Uint8Array): boolean
  /**
   * Sets the one receiver. A chunk belongs to it, and the channel never writes to it again; but where it is `borrowed`, only until the receiver
   * returns: it copies what it keeps.
   */
  onBytes(receive: (chunk: Uint8Array, borrowed?: boolean) => void): void
  onDrain(resume: () => void): void
  /** Called once, with the reason if it was not asked for. Also when it was closed before the handler was set. */
  onClose(closed: (error: Error | undefined) => void): void
  /** Ends it; `error` ends it at once. */
  close(error?: Error): void
}
