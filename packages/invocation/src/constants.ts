/** What a launch may add to a function's own timeout before a caller stops waiting: AWS allows initialisation 10 s. */
export const LAUNCH_ALLOWANCE_MS = 10_000
/** Added where the answer crosses the mesh, so that the executing node's own timeout is the one that speaks. */
export const NETWORK_ALLOWANCE_MS = 1_500
/** Calls that wait here for a free slot anywhere. 1,000 at 6 MB each would be too much: see WAITING_BYTES_MAX. */
export const WAITING_CALLS_MAX = 1_000
/** So many of one function: the others have the rest. */
export const WAITING_PER_FUNCTION_MAX = 500
/** When a place becomes free, functions that are asked in turn until one can use it. */
export const FUNCTIONS_BLOCKED_MAX = 4
export const WAITING_BYTES_MAX = 268_435_456
/** Nobody waits longer than this for a slot: a client that got no place in 10 s is better told so. */
export const WAITING_MS_MAX = 10_000
/** A full node holds so many calls of peers, as a share of its slots, and one at least: that is what reports of a quarter of a second ago are wrong by. */
export const HELD_SLOTS_SHARE = 1 / 32
/** And for so long: ten refusals on a local network, and little against a call that is worth sending away. */
export const HELD_MS_MAX = 20
/** How long an instance is kept for a caller that was asked whether its call may start. A round trip takes far less. */
export const START_ANSWER_MS_MAX = 2_000
/** How often deadlines are looked at. One sweep instead of a timer per call. */
export const SWEEP_PERIOD_MS = 100
/** Places tried before a call waits: each refusal costs one round trip. */
export const PLACES_TRIED_MAX = 4
/** Permits of reserved concurrency of one function: AWS's largest quota is far below. */
export const PERMITS_MAX = 1_000_000
/** Functions of which one node keeps the count: an account has fewer. */
export const PERMIT_FUNCTIONS_MAX = 10_000
/** How long permits that nobody uses are kept before they go back. */
export const PERMIT_IDLE_MS = 1_000
/** Longest wait for an answer of the node that keeps a function's count, and of holders that are asked for what they do not use: shorter, as the first waits for it. */
export const PERMIT_ANSWER_MS_MAX = 2_000
export const RECALL_ANSWER_MS_MAX = 500
/** What a client is told to wait when there is no room. */
export const RETRY_AFTER_MS = 1_000
/** How far the time of a peer's receipt may be from this node's clock; the ledger signs no other (packages/ledger, timeOffMsMax). */
export const RECEIPT_TIME_OFF_MS_MAX = 86_400_000
/** Log lines kept per function and node, in memory, and bytes over all functions. */
export const LOG_LINES_PER_FUNCTION_MAX = 10_000
/** Lines taken from one node in one round: all that it can keep of a function. A peer may say for ever that there are more. */
export const LOG_LINES_PER_NODE_MAX = LOG_LINES_PER_FUNCTION_MAX * 1.1
export const LOG_BYTES_MAX = 67_108_864
export const LOG_FUNCTIONS_MAX = 10_000
/** Lines of earlier starts on disk: some 80,000 of 150 characters. */
export const LOG_DISK_BYTES_MAX = 33_554_432
/** Lines are joined so long before they are written … */
export const LOG_DISK_FLUSH_MS = 100
/** … and of each such time so much is: 640 KB a second, some two milliseconds of the thread each. */
export const LOG_DISK_FLUSH_BYTES_MAX = 65_536
/** Lines that go at once where there is no more room. */
export const LOG_DISK_DROP_LINES = 500
export const LOG_DISK_WARN_MS = 60_000
/** Lines and bytes in one answer to LOGS_READ. */
export const LOG_PAGE_LINES_MAX = 2_000
export const LOG_PAGE_BYTES_MAX = 1_048_576
/** How often a follower asks. */
export const LOG_FOLLOW_PERIOD_MS = 300
export const LOG_PEER_TIMEOUT_MS = 2_000
/** And for all pages of one node in one round: all that it can keep over some 10 Mbit/s. One may have a line for each page, and each page at the last moment. */
export const LOG_NODE_MS_MAX = 60_000
/** Instances in one answer to INSTANCES_READ: no node has more (packages/instances, INSTANCES_MAX). */
export const INSTANCES_LISTED_MAX = 1_024
export const INSTANCES_PEER_TIMEOUT_MS = 2_000
/** How often it is told what was seen of functions with a latency target, and decided. */
export const DEMAND_PERIOD_MS = 1_000
/** What is decided is told again after so long though nothing changed: for who joined, and who did not hear. */
export const DEMAND_QUIET_MS = 5_000
/** What was not told again for so long does not hold any more. */
export const DEMAND_STALE_MS = 20_000
/** Versions with a latency target that one node follows; the targets of more are not held. */
export const LATENCY_VERSIONS_MAX = 1_000
/** A version that nobody called for so long is not kept warm any more, unless it is `$LATEST`. */
export const LATENCY_FORGET_MS = 86_400_000
