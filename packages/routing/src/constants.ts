/** Beacons are gossiped this often when something changed, jittered by ±20 % so that nodes do not fall into step. */
export const BEACON_PERIOD_MS = 250
/** And this often when nothing did, as a sign of life. */
export const BEACON_QUIET_PERIOD_MS = 1_000
/** A claim of an idle instance older than this is not believed (Prequal's probe age limit, NSDI'24). */
export const IDLE_AGE_MS_MAX = 1_000
/** A load report older than this counts for nothing: three quiet periods. */
export const REPORT_AGE_MS_MAX = 3_000
/** Share of the sampled nodes that counts as not hot: 2^-0.25, the quantile of Prequal's hot–cold rule. */
export const HOT_QUANTILE = 0.84
/** A node may carry this much more than its fair share before a launch goes elsewhere (bounded-load consistent hashing, factor 1.25). */
export const BOUNDED_LOAD_FACTOR = 1.25
/** Failures in a row after which a peer is left alone. One may be chance, three are not; it also stops a fast-failing peer from attracting traffic. */
export const EJECT_FAILURES = 3
/** First ejection; doubles with every further failure. */
export const EJECT_MS_MIN = 500
export const EJECT_MS_MAX = 30_000
/** Revisions remembered per peer; a beacon that lists more is cut. */
export const IDLE_REVISIONS_MAX = 4_096
/** Peers remembered. */
export const PEERS_MAX = 4_096
