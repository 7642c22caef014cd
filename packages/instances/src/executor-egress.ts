import {
  EGRESS_WINDOW_BYTES,
  type Egress,
  type EgressExchange,
  type EgressFailure,
  type EgressOrder,
  PeerlessError
} from '@peerless/interface'
import {
  type EgressCreditHeader,
  type EgressDataHeader,
  type EgressFailedHeader,
  type EgressHeadHeader,
  EXECUTOR_MESSAGE
} from '@peerless/sandbox'

/** Outbound requests of one executor, waiting ones included; its instances have smaller limits of their own. */
const EXCHANGES_MAX = 8_192

/** On whose behalf: what the daemon itself knows of an instance, whatever the executor says. */
export type EgressOrigin = Pick<EgressOrder, 'account' | 'functionName' | 'instance' | 'hosts' | 'trace'>

export interface ExecutorEgressOptions {
  readonly egress: Egress | undefined
  originOf(instance: number): EgressOrigin | undefined
  notify(type: number, header: unknown, payload?: Uint8Array): void
}

interface Open {
  readonly instance: number
  readonly exchange: EgressExchange
}

/**
 * The daemon's end of an executor's outbound requests. The executor is not believed: numbers that it does not have, bodies beyond what was
 * asked for and malformed headers end the request, or the executor.
 */
export class ExecutorEgress {
  readonly #options: ExecutorEgressOptions
  readonly #open = new Map<number, Open>()

  constructor(options: ExecutorEgressOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  /** @returns whether it was a message of this kind. @throws PeerlessError MALFORMED */
  take(type: number, header: unknown, payload: Uint8Array): boolean {
    switch (type) {
      case EXECUTOR_MESSAGE.EGRESS_OPEN:
        this.#start(header, payload)
        return true
      case EXECUTOR_MESSAGE.EGRESS_WRITE: {
        const [exchange, ended] = tupleOf(header, 2) as EgressDataHeader
        this.#open.get(exchange)?.exchange.write(payload, ended === true)
        return true
      }
      case EXECUTOR_MESSAGE.EGRESS_CREDIT: {
        const [exchange, bytes] = tupleOf(header, 2) as EgressCreditHeader
        if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes > EGRESS_WINDOW_BYTES) {
          throw malformed(`credit of ${String(bytes)} bytes must be from 1 to ${EGRESS_WINDOW_BYTES}`)
        }
        this.#open.get(exchange)?.exchange.credit(bytes)
        return true
      }
      case EXECUTOR_MESSAGE.EGRESS_ABORT:
        this.#end(header as number)
        return true
      default:
        return false
    }
  }

  /** The instance is gone, and nobody reads its answers. */
  closeInstance(instance: number): void {
    if (this.#open.size === 0) return
    for (const [exchange, open] of this.#open) if (open.instance === instance) this.#end(exchange)
  }

  closeAll(): void {
    for (const exchange of [...this.#open.keys()]) this.#end(exchange)
  }

  #end(exchange: number): void {
    this.#open.get(exchange)?.exchange.abort()
    this.#open.delete(exchange)
  }

  #start(header: unknown, body: Uint8Array): void {
    const [exchange, instance, timeoutMs, method, url, headers, redirect, bodyBytes, bodyEnded] = tupleOf(header, 9)
    if (typeof exchange !== 'number' || this.#open.has(exchange)) throw malformed(`exchange ${String(exchange)} is in use`)
    if (typeof instance !== 'number' || typeof timeoutMs !== 'number' || !(timeoutMs > 0))
      throw malformed('an instance and its time')
    if (typeof method !== 'string' || typeof url !== 'string' || !isTexts(headers))
      throw malformed('method, URL and headers are texts')
    if (redirect !== 'follow' && redirect !== 'manual' && redirect !== 'error') throw malformed('an unknown redirect mode')
    if (typeof bodyBytes !== 'number') throw malformed('bytes of the body')
    const origin = this.#options.originOf(instance)
    const { egress } = this.#options
    // The instance may be gone by now: then nobody waits for an answer.
    if (origin === undefined) return
    if (egress === undefined) {
      this.#fail(exchange, { rule: 'node', message: 'this node lets no request of functions out', denied: true })
      return
    }
    if (this.#open.size >= EXCHANGES_MAX) {
      const message = `${this.#open.size} requests of this account are under way, at most ${EXCHANGES_MAX}`
      this.#fail(exchange, { rule: 'concurrency', message, denied: false })
      return
    }
    const order = {
      ...origin,
      method,
      url,
      headers,
      redirect,
      bodyBytes,
      body,
      bodyEnded: bodyEnded === true,
      timeoutMs
    } as const
    const { notify } = this.#options
    const made = egress.open(order, {
      head: ({ status, statusText, url: finalUrl, redirected, headers: flat }) => {
        const head: EgressHeadHeader = [exchange, status, statusText, finalUrl, redirected, flat]
        notify(EXECUTOR_MESSAGE.EGRESS_HEAD, head)
      },
      data: (bytes, ended) => {
        if (ended) this.#open.delete(exchange)
        notify(EXECUTOR_MESSAGE.EGRESS_DATA, [exchange, ended] satisfies EgressDataHeader, bytes)
      },
      pull: (bytes) => notify(EXECUTOR_MESSAGE.EGRESS_PULL, [exchange, bytes] satisfies EgressCreditHeader),
      failed: (failure) => {
        this.#open.delete(exchange)
        this.#fail(exchange, failure)
      }
    })
    this.#open.set(exchange, { instance, exchange: made })
  }

  #fail(exchange: number, { rule, message, denied, code }: EgressFailure): void {
    const header: EgressFailedHeader = [exchange, rule, message, denied, code ?? null]
    this.#options.notify(EXECUTOR_MESSAGE.EGRESS_FAILED, header)
  }
}

function tupleOf(header: unknown, length: number): unknown[] {
  if (!Array.isArray(header) || header.length !== length) throw malformed(`a header of ${length} members`)
  return header
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function malformed(rule: string): PeerlessError {
  return new PeerlessError('MALFORMED', `an outbound request of an executor must have ${rule}`)
}

/**
 * What a function's own configuration leaves of the node's policy: the environment variable PEERLESS_EGRESS, a list of host names by commas
 * (`*.example.com` for all below), or `none`. It is the deployed one: what the function does to its `process.env` changes nothing.
 */
export function hostsOf(environment: Readonly<Record<string, string>>): readonly string[] | undefined {
  const text = environment.PEERLESS_EGRESS
  if (text === undefined || text === '*') return undefined
  return text
    .toLowerCase()
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '' && host !== 'none')
}
