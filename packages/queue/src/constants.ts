/** Bounds and periods of the queue. Times in milliseconds, sizes in bytes. */
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Events that this node has accepted and not settled; each takes about 1 KB of memory beside its payload. */
export const EVENTS_MAX = 100_000
/** Payloads of those events, on disk. */
export const EVENT_BYTES_MAX = 1_073_741_824
/** What one function may take of both, and one account, so that what stands still does not shut the others out. */
export const FUNCTION_SHARE = 0.75
export const ACCOUNT_SHARE = 0.875
/** Copies kept for other nodes: as much as two of them may own. */
export const COPIES_MAX = 2 * EVENTS_MAX
export const COPY_BYTES_MAX = 2 * EVENT_BYTES_MAX
/** Payloads that are held in memory as well; an event above that is read from disk when its turn comes. */
export const PAYLOAD_CACHE_BYTES_MAX = 67_108_864

/** AWS: 2 retries, the first after one minute, the second after two more. */
export const RETRIES_DEFAULT = 2
export const RETRY_BASE_MS = 60_000
/** An attempt whose node went away is repeated sooner: the function has done nothing wrong. */
export const LOST_RETRY_MS = 1_000
/** AWS: six hours. */
export const EVENT_AGE_MS_DEFAULT = 6 * HOUR_MS
/** While there is no room for a function it is asked again after this, doubled each time; its attempts are not counted. */
export const PAUSE_MS_MIN = 100
export const PAUSE_MS_MAX = 10_000
/** What a receipt can hold (packages/ledger). */
export const ATTEMPT_MAX = 255
/** Deliveries to addresses and services: tries, the first wait between two (doubled each time: two minutes in all), and the longest wait for an answer. */
export const DELIVERY_TRIES_MAX = 8
export const DELIVERY_BASE_MS = 1_000
export const DELIVERY_TIMEOUT_MS = 10_000
/** A record: the largest event, the largest answer and their frame around them. With its id and meta it fits a message (LIMITS.frameBytesMax). */
export const RECORD_BYTES_MAX = 7_600_000
/** Deliveries under way for peers that have no endpoint of their own. */
export const DELIVERIES_FOR_PEERS_MAX = 64

/** Retries, deadlines and outboxes are looked at this often. */
export const TICK_MS = 50
/** How often an owner tells its holders that it lives. */
export const RENEW_MS = 1_000
/** A holder that has not heard from an owner for so long takes its events over. Six renewals. */
export const LEASE_MS = 6_000
/** An owner that was silent for so long, by its own clock, asks before it goes on: its lease may have ended. */
export const FENCE_MS = 4_000
/** After a start, how long holders of what was left over are waited for before it is run again: they may have taken it over. */
export const RECOVER_MS_MAX = 8_000
/** Later holders of one event wait so much longer than the one before. */
export const LEASE_RANK_MS = 2_000
/** Longest wait for a peer to have a copy on its disk; then another is tried. */
export const STORE_MS_MAX = 5_000
/** Peers tried for one copy before the event is accepted with fewer. */
export const STORE_TRIES_MAX = 3

/** One commit and one message to a holder. */
export const BATCH_EVENTS_MAX = 512
export const BATCH_BYTES_MAX = 4_194_304
/** Where the senders of so many events wait to hear that they are durable, taking in comes before starting: more than a node at half its rate ever has on their way. */
export const PRESSED_MIN = 64
/** Then so many starts for each event that is accepted, and so many per second in any case; saved up for at most so many at once. */
export const PRESSED_STARTS_SHARE = 0.25
export const PRESSED_STARTS_PER_SECOND = 500
export const RUNS_BURST_MAX = 64
/** Between the begins of two commits, and of two messages to one holder: a lone event waits for nothing, those of a rush share what each would cost alone. */
export const COMMIT_GAP_MS = 3
/** Messages with events under way to one holder. */
export const STORES_IN_FLIGHT_MAX = 2
/** Ids in one question. */
export const ASK_IDS_MAX = 1_000
/** Settlements that one holder has not acknowledged yet; above, the oldest are dropped, and the holder will ask. */
export const UNACKED_MAX = 50_000

/** A result is kept for a day, as many as fit. */
export const RESULT_AGE_MS = DAY_MS
export const RESULTS_MAX = 1_000_000
export const RESULTS_BYTES_MAX = 1_073_741_824
/** Of one result; what is longer is cut in the record, not for destinations. */
export const RESULT_BYTES_MAX = 262_144
/** As long as SQS keeps a message at most. */
export const DEAD_AGE_MS = 14 * DAY_MS
export const DEAD_MAX = 10_000
export const DEAD_BYTES_MAX = 268_435_456
export const PRUNE_MS = 60_000
/** Ids of events that were settled a moment ago: a copy of one that arrives late is not kept. */
export const SETTLED_REMEMBERED_MAX = 20_000
/** Dead letters in one answer, and bytes of their events. */
export const DEAD_PAGE_MAX = 1_000
export const DEAD_PAGE_BYTES_MAX = 4_194_304
/** Pages of one purge: what a node keeps at the most, twice over. */
export const PURGE_PAGES_MAX = (2 * DEAD_MAX) / DEAD_PAGE_MAX
/** How long a node that goes for good hands over results and dead letters: as many as there may be take longer over a slow line, and the next try goes on. */
export const ENDS_MS_MAX = 60_000
/** Longest wait for a peer's answer; for one that is silent already. */
export const ASK_MS_MAX = 2_000
export const ASK_SILENT_MS_MAX = 500
