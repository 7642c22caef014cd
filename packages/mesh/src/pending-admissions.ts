import type { MessageStream, MultiaddrConnection } from '@libp2p/interface'
import { type Clock, PeerlessError, type Timer } from '@peerless/interface'
import {
  ADMISSION_TIMEOUT_MS,
  ADMISSIONS_PENDING_MAX,
  HANDSHAKE_BYTES_MAX,
  HELLO_BYTES_MAX,
  NEGOTIATION_BYTES_MAX
} from './constants.ts'
import type { RefusalLog } from './refusal-log.ts'
import { StrangerBytes } from './stranger-bytes.ts'

const IPV6_GROUPS = 8

interface Pending {
  readonly connection: MultiaddrConnection
  readonly host: string
  readonly timer: Timer
  /** Proven by noise; from then on the admission logs how it ends, unless we end it here. */
  peerId: string | undefined
}

/**
 * Accepted sockets that are not admitted yet, from before the first byte. Each has a deadline and so many bytes; when there are too many, the oldest
 * of the address that holds most of them goes, so that one silent stranger cannot use up the places of others.
 */
export class PendingAdmissions {
  readonly #clock: Clock
  readonly #log: RefusalLog
  readonly #pending = new Map<MessageStream, Pending>()
  readonly #bytes = new StrangerBytes()

  constructor(clock: Clock, log: RefusalLog) {
    this.#clock = clock
    this.#log = log
  }

  get size(): number {
    return this.#pending.size
  }

  add(connection: MultiaddrConnection): void {
    const host = hostOf(connection)
    const timer = this.#clock.after(ADMISSION_TIMEOUT_MS, () =>
      this.#drop(connection, `no admission within ${ADMISSION_TIMEOUT_MS} ms`)
    )
    this.#pending.set(connection, { connection, host, timer, peerId: undefined })
    this.#bytes.begin(connection, NEGOTIATION_BYTES_MAX, () => this.#drop(connection, 'it sent too much before it was admitted'))
    connection.addEventListener('close', () => {
      if (this.#pending.get(connection)?.peerId === undefined) this.#drop(connection, 'it closed, or sent garbage, before noise')
    })
    if (this.#pending.size > ADMISSIONS_PENDING_MAX) {
      this.#drop(this.#victim(), `more than ${ADMISSIONS_PENDING_MAX} connections wait for admission`)
    }
  }

  /** Both have agreed on noise. A hello that is too long is read no further than its length, but its sender is to be told so. */
  negotiated(connection: MessageStream): void {
    this.#bytes.extend(connection, HANDSHAKE_BYTES_MAX + 2 * HELLO_BYTES_MAX)
  }

  identified(connection: MessageStream, peerId: string): void {
    const pending = this.#pending.get(connection)
    if (pending !== undefined) pending.peerId = peerId
  }

  /** It is a member's: what comes now is counted elsewhere. */
  admitted(connection: MessageStream): void {
    this.#bytes.end(connection)
  }

  /** Admitted or refused. Returns false when it was dropped here before, and so logged. */
  settle(connection: MessageStream): boolean {
    this.#pending.get(connection)?.timer.cancel()
    return this.#pending.delete(connection)
  }

  #drop(connection: MessageStream, reason: string): void {
    const pending = this.#pending.get(connection)
    if (pending === undefined) return
    this.settle(connection)
    this.#log.warn('refused a connection', { peer: pending.peerId, address: pending.connection.remoteAddr.toString(), reason })
    connection.abort(new PeerlessError('NOT_A_MEMBER', reason))
  }

  #victim(): MessageStream {
    const counts = new Map<string, number>()
    for (const { host } of this.#pending.values()) counts.set(host, (counts.get(host) ?? 0) + 1)
    const most = Math.max(...counts.values())
    // Maps iterate in order of insertion: the first is the oldest.
    for (const [connection, { host }] of this.#pending) if (counts.get(host) === most) return connection
    throw new PeerlessError('INTERNAL', 'no connection is pending')
  }
}

/** Of IPv6 the first half: who has one address there has as many as it likes of that network. */
function hostOf(connection: MultiaddrConnection): string {
  const host = connection.remoteAddr.getComponents()[0]?.value ?? ''
  if (!host.includes(':')) return host
  const [head, tail] = host.split('::').map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[] | undefined]
  const zeros = tail === undefined ? 0 : IPV6_GROUPS - head.length - tail.length
  return [...head, ...Array<string>(zeros).fill('0'), ...(tail ?? [])].slice(0, IPV6_GROUPS / 2).join(':')
}
