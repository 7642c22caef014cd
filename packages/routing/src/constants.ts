/** Beacons are gossiped this often when something changed, jittered by ±20 % so that nodes do not fall into step. */
export const BEACON_PERIOD_MS = 250
/** And this often when nothing did, as a sign of life. */
export const BEACON_QUIET_PERIOD_MS = 1_000
/** A claim of an idle instance older than this is not believed, unless the peer is quiet: one quiet period and a late gossip (Prequal's probe age limit is 1 s, NSDI'24). */
export const IDLE_AGE_MS_MAX = 1_500
/** A load report older than this counts for nothing: three quiet periods. */
export const REPORT_AGE_MS_MAX = 3_000
/** A report fades by half within the median duration of calls there, but not faster than this. */
export const FADE_MS_MIN = 100
/** Share of the nodes that counts as not hot: 2^-0.25, the quantile of Prequal's hot–cold rule. */
export const HOT_QUANTILE = 0.84
/**
 * A node may carry this much more than its fair share before a call goes elsewhere: bounded-load consistent hashing takes 1.25. Here it is drawn anew for
 * each call from 0.9 to 1.3, so that callers who see the same old report do not all change their minds at the same load.
 */
export const BOUNDED_LOAD_MIN = 0.9
export const BOUNDED_LOAD_MAX = 1.3
/** And this much where an idle instance waits: a cold start saved is worth some imbalance, but not a node half again as loaded as the mean. */
export const IDLE_LOAD_MAX = 1.15
/** Calls of one revision that a node has under way at peers before it launches an instance of its own: its demand then keeps one busy often enough. */
export const OWN_DEMAND_MIN = 2
/** Nodes of a revision's rendezvous order that are looked at before chance decides. */
export const ORDER_LENGTH = 12
/** Orders kept; the oldest goes. About 1 KB each. */
export const ORDERS_KEPT_MAX = 16_384
/** Random nodes whose reports are looked at for an idle instance; the first two with a free slot are the two choices (Mitzenmacher 2000). Looking costs no message. */
export const SAMPLES_IDLE = 8
/** A peer whose round trip is longer than the nearest one's by this is in another zone: a few hundred kilometres, and more than a warm start costs. */
export const NEAR_RTT_SLACK_MS = 5
/** Failures in a row after which a peer is left alone. One may be chance, three are not. */
export const EJECT_FAILURES = 3
/** First ejection; doubles with every further one. */
export const EJECT_MS_MIN = 500
export const EJECT_MS_MAX = 30_000
/** Time without a failure after which earlier ejections are forgotten. */
export const EJECT_FORGIVE_MS = 60_000
/** Most of the peers that may be ejected at once, and always one: when more seem to fail, the fault is rather here or in the network between. */
export const EJECT_SHARE_MAX = 1 / 3
/** A failed call counts as still running there for so long: who fails fast must not look idle because of it. */
export const FAILURE_HOLD_MS = 1_000
/** Revisions remembered per peer; a beacon that lists more is cut. */
export const IDLE_REVISIONS_MAX = 4_096
/** Peers remembered. */
export const PEERS_MAX = 16_384
