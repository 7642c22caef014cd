import { SeededRandom } from '@peerless/testing'

/** How many connections a node looks for, and how many it takes. */
export interface ConnectionBounds {
  readonly wanted: number
  readonly max: number
}

/** As packages/mesh has them. */
export const DAEMON_CONNECTIONS: ConnectionBounds = { wanted: 96, max: 256 }
/** Who finds so many full in a row has tried as long as a daemon would in minutes. */
const DIALS_REFUSED_MAX = 64

/**
 * Who is connected with whom in a mesh that grew one by one, as `Redial` of packages/mesh makes it: who joins dials members by chance until it has enough, and
 * whoever is dialled takes it while it has room. All are connected with all up to `wanted` and one; of a large mesh the oldest have the most.
 *
 * @returns per node the others, by index, in the order in which they were connected
 */
export function connectionsOf(nodes: number, { wanted, max }: ConnectionBounds, seed: number): number[][] {
  const random = new SeededRandom(seed * 104_729 + 3)
  const peers: number[][] = Array.from({ length: nodes }, () => [])
  for (let self = 1; self < nodes; self++) {
    const own = peers[self] as number[]
    const connected = new Set<number>()
    const connect = (other: number) => {
      connected.add(other)
      own.push(other)
      ;(peers[other] as number[]).push(self)
    }
    if (self <= wanted) {
      for (let other = 0; other < self; other++) connect(other)
      continue
    }
    for (let refused = 0; own.length < wanted && refused < DIALS_REFUSED_MAX; ) {
      const other = Math.floor(random.next() * self)
      if (connected.has(other)) continue
      if ((peers[other] as number[]).length >= max) refused++
      else {
        connect(other)
        refused = 0
      }
    }
  }
  return peers
}
