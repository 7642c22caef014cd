import type { Connection } from '@peerless/wire'
import {
  type EgressCreditHeader,
  type EgressDataHeader,
  type EgressFailedHeader,
  type EgressHeadHeader,
  type EgressOpenHeader,
  EXECUTOR_MESSAGE
} from './executor-protocol.ts'

/** What one exchange hears of the daemon. After `failed`, or `data` with `ended`, nothing more. */
export interface EgressListener {
  head(header: EgressHeadHeader): void
  data(bytes: Uint8Array, ended: boolean): void
  pull(bytes: number): void
  failed(rule: string, message: string, denied: boolean, code: string | null): void
}

type OpenOrder = EgressOpenHeader extends [number, ...infer Rest] ? Rest : never

/** Outbound requests of this executor's instances, as messages over the pipe: the daemon makes them, or refuses. */
export class EgressLink {
  readonly #connection: Connection
  readonly #open = new Map<number, EgressListener>()
  #next = 1

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @returns the exchange's number */
  open(order: OpenOrder, body: Uint8Array, listener: EgressListener): number {
    const exchange = this.#next++
    this.#open.set(exchange, listener)
    this.#connection.notify(EXECUTOR_MESSAGE.EGRESS_OPEN, [exchange, ...order], body)
    return exchange
  }

  write(exchange: number, bytes: Uint8Array, ended: boolean): void {
    this.#connection.notify(EXECUTOR_MESSAGE.EGRESS_WRITE, [exchange, ended] satisfies EgressDataHeader, bytes)
  }

  credit(exchange: number, bytes: number): void {
    this.#connection.notify(EXECUTOR_MESSAGE.EGRESS_CREDIT, [exchange, bytes] satisfies EgressCreditHeader)
  }

  abort(exchange: number): void {
    if (this.#open.delete(exchange)) this.#connection.notify(EXECUTOR_MESSAGE.EGRESS_ABORT, exchange)
  }

  /** A message of the daemon. @returns whether it was one of these */
  take(type: number, header: unknown, payload: Uint8Array): boolean {
    switch (type) {
      case EXECUTOR_MESSAGE.EGRESS_HEAD: {
        const head = header as EgressHeadHeader
        this.#open.get(head[0])?.head(head)
        return true
      }
      case EXECUTOR_MESSAGE.EGRESS_DATA: {
        const [exchange, ended] = header as EgressDataHeader
        const listener = this.#open.get(exchange)
        if (ended) this.#open.delete(exchange)
        listener?.data(payload, ended)
        return true
      }
      case EXECUTOR_MESSAGE.EGRESS_PULL: {
        const [exchange, bytes] = header as EgressCreditHeader
        this.#open.get(exchange)?.pull(bytes)
        return true
      }
      case EXECUTOR_MESSAGE.EGRESS_FAILED: {
        const [exchange, rule, message, denied, code] = header as EgressFailedHeader
        const listener = this.#open.get(exchange)
        this.#open.delete(exchange)
        listener?.failed(rule, message, denied, code)
        return true
      }
      default:
        return false
    }
  }
}
