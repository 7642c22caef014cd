import type { MessageStream } from '@libp2p/interface'

/** What of a connection is looked at here; its class has it for its transport, which calls it with what has arrived. */
interface ReceivingConnection {
  onData(data: { readonly byteLength: number }): void
}

interface Allowance {
  left: number
  readonly exceeded: () => void
}

/**
 * Counts what arrives on a connection from before its first byte until its other end is admitted. js-libp2p's multistream-select reads on where a length does not end
 * (@libp2p/utils 7.4.1 compares `maxLengthLength` only once it has a length), a few promises for every byte, and all that has come in one turn of the event
 * loop: a megabyte held a node up for seconds. So nothing beyond what an honest peer needs gets as far.
 */
export class StrangerBytes {
  readonly #allowances = new WeakMap<MessageStream, Allowance>()

  /** @param exceeded is called once, instead of handing on what was too much; whatever comes after it is dropped */
  begin(connection: MessageStream, bytesMax: number, exceeded: () => void): void {
    const allowance = { left: bytesMax, exceeded }
    this.#allowances.set(connection, allowance)
    const receiving = connection as unknown as ReceivingConnection
    const onData = receiving.onData.bind(connection)
    receiving.onData = (data) => {
      const before = allowance.left
      allowance.left -= data.byteLength
      if (allowance.left >= 0) onData(data)
      else if (before >= 0) exceeded()
    }
  }

  /** The other end has come further, and may send so much more. */
  extend(connection: MessageStream, bytes: number): void {
    const allowance = this.#allowances.get(connection)
    if (allowance !== undefined) allowance.left += bytes
  }

  /** It is admitted. */
  end(connection: MessageStream): void {
    this.extend(connection, Number.POSITIVE_INFINITY)
  }
}
