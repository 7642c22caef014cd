/** A node's load report. Rides on every reply and on gossip; small on purpose. */
export interface Beacon {
  readonly node: string
  /** Rises with every report of one node's life; an older one never replaces a newer one. */
  readonly sequence: number
  /** Start of that life, epoch milliseconds: a restarted node's sequence 1 is newer than its old 9,000. */
  readonly boot: number
  readonly slots: number
  /** Instances busy now. */
  readonly busy: number
  /** Requests taken and not yet answered, forwarded ones not included. */
  readonly inFlight: number
  /** Idle instances per revisionId; only those above zero. */
  readonly idle: ReadonlyMap<string, number>
  /** Median milliseconds of recent requests here, at about this load; 0 when none. */
  readonly latencyMs: number
  readonly draining: boolean
  /** Peers that fail for this node: ejected, or the last call there failed, a moment ago. */
  readonly failing: readonly string[]
}
