import type { Clock, Egress } from '@peerless/interface'
import { EgressPolicy, type OwnPlaces } from './egress-policy.ts'
import { Exchange } from './exchange.ts'
import { Places } from './places.ts'
import { Sockets } from './sockets.ts'

export type { OwnPlaces } from './egress-policy.ts'

export interface EgressOptions {
  clock: Clock
  /** CIDR blocks that are open although they are closed by default. */
  allow: readonly string[]
  own: OwnPlaces
  /** Addresses of a host name, as the machine's resolver has them. Rejects where there are none. */
  lookup: (hostname: string) => Promise<readonly string[]>
}

export interface EgressCounts {
  requests: number
  denied: number
  failed: number
  bytesIn: number
  bytesOut: number
}

export interface EgressService extends Egress {
  /** Since the start; bytes of bodies, as functions see them. */
  readonly counts: Readonly<EgressCounts>
  /** Requests on the wire. */
  readonly running: number
  /** Closes idle connections. */
  stop(): void
}

/**
 * The way out of this node for functions.
 * @throws PeerlessError INVALID_ARGUMENT for a block of `allow` that is none
 */
export function createEgress(options: EgressOptions): EgressService {
  const policy = new EgressPolicy(options.allow, options.own)
  const places = new Places()
  const sockets = new Sockets()
  const counts: EgressCounts = { requests: 0, denied: 0, failed: 0, bytesIn: 0, bytesOut: 0 }
  const services = { clock: options.clock, policy, places, sockets, lookup: options.lookup, count: counts }
  return {
    counts,
    get running() {
      return places.running
    },
    open(order, listener) {
      counts.requests++
      return new Exchange(order, listener, services)
    },
    stop: () => sockets.close()
  }
}
