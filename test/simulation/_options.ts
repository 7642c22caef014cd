import { BEACON_PERIOD_MS } from '@peerless/routing'
import type { ConnectionBounds } from './_connections.ts'
import type { PolicyName } from './_policies.ts'
import type { Failing } from './_sim-node.ts'
import type { ArrivalKind, ServiceKind } from './_workload.ts'

/** Something that happens to a node; `revive` undoes it. */
export interface Fault {
  readonly at: number
  readonly node: number
  readonly what: Failing | 'drain' | 'revive'
}

export interface SimulationOptions {
  policy: PolicyName
  nodes: number
  seed: number
  /** Offered work over capacity. */
  load: number
  service: ServiceKind
  arrivals: ArrivalKind
  functions: number
  zipf: number
  /** Mean service time, milliseconds. */
  serviceMs: number
  /** Slots and speeds, taken in turn. */
  slots: readonly number[]
  speeds: readonly number[]
  /** How long an idle instance lives: ten minutes, as in the daemon. */
  keepMs: number
  /** Median of a launch; log-normal, sigma 0.5. */
  coldMs: number
  /** Median of one way between two nodes; log-normal, sigma 0.5. */
  networkMs: number
  zones: number
  /** Added to one way between zones. */
  zoneMs: number
  /** A beacon reaches the others after so long, uniform between half and one and a half of it. */
  gossipMs: number
  warmUpMs: number
  measureMs: number
  faults: readonly Fault[]
  /** Calls come to these nodes only; all when empty. */
  entries: readonly number[]
  /** Who knows whom: as many peers as a daemon connects with. undefined: all know all. */
  connections: ConnectionBounds | undefined
}

/** Beacons are 250 ms old in the mean: half a period until they are sent, the rest on their way. */
export const DEFAULTS: SimulationOptions = {
  policy: 'peerless',
  nodes: 1_000,
  seed: 1,
  load: 0.7,
  service: 'exponential',
  arrivals: 'poisson',
  functions: 5_000,
  zipf: 1,
  serviceMs: 500,
  slots: [64, 128, 64, 128],
  speeds: [1, 1, 1, 0.8],
  keepMs: 600_000,
  coldMs: 30,
  networkMs: 0.25,
  zones: 1,
  zoneMs: 10,
  gossipMs: 250 - BEACON_PERIOD_MS / 2,
  warmUpMs: 8_000,
  measureMs: 1_500,
  faults: [],
  entries: [],
  connections: undefined
}
