/** Beacons are told this often when something changed, jittered by ±20 % so that nodes do not fall into step. */
export const BEACON_PERIOD_MS = 250
/** And this often when nothing did, as a sign of life. */
export const BEACON_QUIET_PERIOD_MS = 1_000
/** A claim of an idle instance older than this is not believed, unless the peer is quiet: one quiet period and a late beacon (Prequal's probe age limit is 1 s, NSDI'24). */
export const IDLE_AGE_MS_MAX = 1_500
/** A load report older than this counts for nothing: three quiet periods. */
export const REPORT_AGE_MS_MAX = 3_000
/** A report fades by half within the median duration of calls there, but not faster than this. */
export const FADE_MS_MIN = 100
/** What a node usually has is what the reports of so long a time showed: the older half of its weight. Longer than most calls, so that routing by it does not swing. */
export const USUAL_MS = 1_500
/** Less than so many idle instances in the mean is none. */
export const USUAL_IDLE_MIN = 0.1
/** The chance of a node falls by e to so many times the share of its slots by which it usually carries more than the mean: a tenth more, less than a third. Slow and strong, where the last report would be quick and wrong. */
export const USUAL_LOAD_WEIGHT = 12
/** The same for the last report, faded: less than half the weight, because an answer to a report that is a quarter of a second old overshoots. */
export const LAST_LOAD_WEIGHT = 3
/** Share of a peer's slots beyond which nothing is launched there: reports are late, and a sixteenth is what may have come meanwhile. */
export const LAUNCH_SHARE_MAX = 15 / 16
/** Share of the nodes that counts as not hot: 2^-0.25, the quantile of Prequal's hot–cold rule. */
export const HOT_QUANTILE = 0.84
/**
 * A node may carry this much more than its fair share before a call goes elsewhere: bounded-load consistent hashing takes 1.25. Here it is drawn anew for
 * each call from 0.9 to 1.3, so that callers who see the same old report do not all change their minds at the same load.
 */
export const BOUNDED_LOAD_MIN = 0.9
export const BOUNDED_LOAD_MAX = 1.3
/**
 * A forwarded call costs both nodes some 100 µs more than one that runs where it came, a start some 10 ms: after so many forwarded calls of a revision an
 * instance here would have paid for itself, and one is started, beside the calls (the ski-rental rule: never more than twice what hindsight would have spent).
 */
export const FORWARDS_WORTH_A_LAUNCH = 100
/** And so long is a forwarded call remembered for that, in milliseconds: half the time that an idle instance lives. */
export const FORWARDS_REMEMBERED_MS = 300_000
/** A launch is a call's last resort: so many nodes are asked for an idle instance first, while more than one shows any. A miss costs two messages, a launch a hundred times as long. */
export const ONLY_IDLE_TRIES_MAX = 2
/** Nodes of a revision's rendezvous order that are looked at, each for itself; of all others a few by chance. */
export const ORDER_LENGTH = 32
/** Orders kept; the oldest goes. About 3 KB each. */
export const ORDERS_KEPT_MAX = 16_384
/** How often it is added up again what the near nodes carry. */
export const NEAR_SUMS_AGE_MS_MAX = 50
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
/** A node that fails for so many others is avoided by all: where it is one or two, the fault may be theirs, or be in the network between. */
export const AVOIDERS_MIN = 3
/** And it must be this share of those who report: in a large mesh three may be in one rack. */
export const AVOIDERS_SHARE_MIN = 1 / 50
/** First time for which it is avoided; doubles with every further one. Longer than what led to it is told: FAILURE_HOLD_MS and a beacon or two. */
export const AVOID_MS_MIN = 2_000
export const AVOID_MS_MAX = 30_000
/** For so long after, few calls go there: time for those to be answered, and for who was not to say so. */
export const AVOID_PROBE_MS = 1_000
/** Nodes, in the mean, that treat it as any other meanwhile. */
export const AVOID_PROBES = 4
/** For so many of them must it fail to be avoided again: it did before, so less is needed. */
export const AVOIDERS_AGAIN_MIN = 2
/** How often it is looked at anew who is to be avoided. */
export const JUDGED_AGE_MS_MAX = 50
/** Failing peers named in a beacon: about 3 KB, while they fail. */
export const FAILING_TOLD_MAX = 64
/** A peer that did not know a revision is not asked for it again for so long: what a catalog entry needs to get there. */
export const UNKNOWN_REVISION_MS = 250
/** And one that knew it and could not run it (its bundle cannot be read, an executor does not start). */
export const UNABLE_REVISION_MS = 1_000
/** A peer that cannot run so many revisions at the same time has a fault of its own, and each further one is a failure. Of one or two, the fault may be theirs. */
export const UNABLE_REVISIONS_MIN = 3
/** Revisions remembered per peer that it does not know or could not run; the oldest goes. */
export const MARKED_REVISIONS_MAX = 64
/** A failed call counts as still running there for so long: who fails fast must not look idle because of it. */
export const FAILURE_HOLD_MS = 1_000
/** Revisions remembered per peer; a beacon that lists more is cut. */
export const IDLE_REVISIONS_MAX = 4_096
/** Slots or idle instances that a node is believed to have: six times what `--slots` takes. One that says it had more draws everybody to itself, and hides all others in the mean. */
export const PLACES_TOLD_MAX = 65_536
/** Peers remembered. */
export const PEERS_MAX = 16_384
