import { type Beacon, PeerlessError } from '@peerless/interface'
import type { LoadHint } from './beacon-table.ts'
import { FAILING_TOLD_MAX, IDLE_REVISIONS_MAX, PLACES_TOLD_MAX } from './constants.ts'

/** The longest text form of a peer id that libp2p makes is 59. */
const PEER_ID_CHARS_MAX = 64

/** A beacon as a flat list: small on the wire and cheap to check. */
export function beaconToWire(beacon: Beacon): unknown[] {
  const idle: (string | number)[] = []
  for (const [revision, count] of beacon.idle) {
    if (idle.length >= 2 * IDLE_REVISIONS_MAX) break
    idle.push(revision, count)
  }
  const { boot, sequence, slots, busy, inFlight, latencyMs, draining, failing } = beacon
  const wire: unknown[] = [boot, sequence, slots, busy, inFlight, latencyMs, draining, idle]
  if (failing.length > 0) wire.push(failing.slice(0, FAILING_TOLD_MAX))
  return wire
}

/**
 * @param node who it came from, as authenticated by the mesh
 * @throws PeerlessError MALFORMED
 */
export function beaconFromWire(node: string, alleged: unknown): Beacon {
  if (!Array.isArray(alleged) || alleged.length < 8) throw malformed(node)
  const [boot, sequence, slots, busy, inFlight, latencyMs, draining, idle, failing = []] = alleged
  const counts = [boot, sequence, busy, inFlight, latencyMs]
  const whole =
    counts.every(isCount) &&
    isPlaces(slots) &&
    typeof draining === 'boolean' &&
    Array.isArray(idle) &&
    idle.length <= 2 * IDLE_REVISIONS_MAX
  if (!whole || !isNodes(failing)) throw malformed(node)
  const revisions = new Map<string, number>()
  for (let index = 0; index + 1 < idle.length; index += 2) {
    const [revision, count] = [idle[index], idle[index + 1]]
    if (typeof revision !== 'string' || revision.length > 64 || !isPlaces(count)) throw malformed(node)
    revisions.set(revision, count)
  }
  return { node, boot, sequence, slots, busy, inFlight, latencyMs, draining, idle: revisions, failing }
}

export function hintToWire(hint: LoadHint): number[] {
  return [hint.boot, hint.sequence, hint.slots, hint.busy, hint.inFlight, hint.latencyMs, hint.idle]
}

/** undefined when malformed: a reply is not thrown away for a bad hint. */
export function hintFromWire(alleged: unknown): LoadHint | undefined {
  if (!Array.isArray(alleged) || alleged.length !== 7 || !alleged.every(isCount)) return undefined
  const [boot, sequence, slots, busy, inFlight, latencyMs, idle] = alleged as [
    number,
    number,
    number,
    number,
    number,
    number,
    number
  ]
  if (!isPlaces(slots) || !isPlaces(idle)) return undefined
  return { boot, sequence, slots, busy, inFlight, latencyMs, idle }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

/** Slots, or idle instances: what is added up over all nodes, and what a call is sent for. */
function isPlaces(value: unknown): value is number {
  return isCount(value) && Number.isInteger(value) && value <= PLACES_TOLD_MAX
}

function isNodes(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= FAILING_TOLD_MAX &&
    value.every((node) => typeof node === 'string' && node.length <= PEER_ID_CHARS_MAX)
  )
}

function malformed(node: string): PeerlessError {
  return new PeerlessError('MALFORMED', `a beacon of ${node} is not a list of counts, idle revisions and failing peers`)
}
