/** Domain of the signature: an entry never passes as a statement of another kind. */
export const ENVELOPE_KIND = 'catalog-entry'
/** Format of an entry's signed bytes. */
export const ENTRY_FORMAT = 1
/** Layout of the database file. */
export const SCHEMA_VERSION = 1

/** Entries, tombstones included, on one node: the index takes about 1 KB each. */
export const ENTRIES_MAX = 100_000
/** Encoded bytes of all entries: their values are held in memory. */
export const ENTRIES_BYTES_MAX = 268_435_456
/** What entries of one account may take of both, tombstones included, when it adds another: one that deploys without end leaves the others room. Access keys and nodes are no account's. */
export const ACCOUNT_SHARE = 0.5

/** How far ahead of this node's clock an entry may be. Beyond, it waits at its author: NTP keeps machines within a second. */
export const CLOCK_DRIFT_MS_MAX = 300_000
const DAY_MS = 86_400_000
/** A node that was away for longer can bring a removed function or node back. */
export const TOMBSTONE_AGE_MS_MAX = 30 * DAY_MS
/** A revoked key must never come back with an old disk: its tombstone stays for ten years. */
export const KEY_TOMBSTONE_AGE_MS_MAX = 3_650 * DAY_MS
/** How often old tombstones and entries of a wrong clock are looked for: a few milliseconds for all entries. */
export const SWEEP_PERIOD_MS = 60_000

/** Entries are grouped by the first byte of SHA-256 of their key. */
export const BUCKETS = 256
/** Bytes of one bucket's digest: 2^64 work for a collision, 4 KiB for all. */
export const BUCKET_DIGEST_BYTES = 16
export const HASH_BYTES = 32

/** Up to this many peers get every change directly: 16 nodes send at most 16 × 15 small messages for one. Above, gossip spreads it. */
export const DIRECT_PEERS_MAX = 16
/** Above that, so many random peers get it directly as well, so that one lost gossip message does not cost a round of anti-entropy. */
export const DIRECT_SAMPLE = 4
/** News of others in one commit; a larger batch is somebody catching up, which everybody does on their own. */
export const FORWARD_ENTRIES_MAX = 64
/** One gossip message; larger entries go to every peer directly. */
export const GOSSIP_BYTES_MAX = 49_152
/** Entries and bytes of one push or page: 256 signatures take about 20 ms to verify. */
export const PAGE_ENTRIES_MAX = 256
export const PAGE_BYTES_MAX = 1_048_576
/** Unanswered pushes to one peer; beyond, anti-entropy brings what was not pushed. */
export const PUSHES_IN_FLIGHT_MAX = 32
/** How long a write waits for the nodes that it is to be read at next; one that is there answers in milliseconds. */
export const MATE_WAIT_MS_MAX = 1_000
/** Longest turn to change an entry: a change is a commit or two, and a node that stands still must not hold up the others. */
export const TURN_MS_MAX = 5_000
/** How long a change waits for its turn. Afterwards it goes without, as it does where nobody keeps turns. */
export const TURN_WAIT_MS_MAX = 10_000
/** The same where the node that keeps the turns has answered nothing of late: a few round trips of the longest. */
export const DEAF_WAIT_MS_MAX = 1_000
/** How often who waits looks whether the turns are kept elsewhere now: a node that falls silent is left before its connection ends. */
export const HOME_LOOK_MS = 250
/** How long a node that keeps turns for the first time waits for what another knows, and for the turn that it has of the one before. */
export const NEWS_WAIT_MS_MAX = 2_000
/** How long a node that was started or stood still waits for the first connection before it changes anything. */
export const COMPANY_WAIT_MS_MAX = 3_000
/** Keys remembered as asked for; beyond, all are asked for again. */
export const KEYS_CAUGHT_UP_MAX = 4_096
/** A process whose tick comes so late stood still: less than PEER_SILENT_MS_MIN, from which on others do not count on it. */
export const STILL_MS_MIN = 2_000
export const STILL_TICK_MS = 250
/** Turns that one node has or waits for at one that keeps them: more than it has changes in work (below). */
export const HOLDER_TURNS_MAX = 1_024
/** Entries that are waiting for one commit. */
export const BATCH_ENTRIES_MAX = 4_096

/** Mean time between two rounds with a random peer; each wait is 0.75 to 1.25 of it. */
export const ANTI_ENTROPY_PERIOD_MS = 4_000
/** A peer whose entries have authors that are not known as members yet is asked again after this: memberships spread beside the catalog. */
export const STRANGER_RETRY_MS = 250
/** How often, per connection; afterwards strangers are strangers. */
export const STRANGER_RETRIES_MAX = 8
/** Longest wait for one answer of a round, or for a push. */
export const ANSWER_MS_MAX = 10_000
/** Longest round with one peer; what is left differs still, and the next round goes on with it. Others wait for their turn meanwhile. */
export const ROUND_MS_MAX = 60_000
/** Hashes sent along when buckets are asked for; one bucket goes whole, whatever it holds. */
export const HAVE_HASHES_GOAL = 4_096
/** Pages of one group of buckets: as many as ENTRIES_MAX can fill. */
export const PAGES_MAX = 1_024

/** Milliseconds of this thread in each period of so many that entries of one sender may take which are refused after all; afterwards it is told BUSY. Some 800 bad signatures or values. */
export const REFUSED_WORK_MS_MAX = 200
export const REFUSED_WORK_PERIOD_MS = 1_000
/** How often a refusal of the same author and code is logged. */
export const REFUSAL_LOG_PERIOD_MS = 60_000
export const REFUSALS_REMEMBERED_MAX = 256

/** Deployments in work at this node, each with a zip of up to 50 MB in memory. */
export const DEPLOYMENTS_IN_WORK_MAX = 16
/** So many of one account: builds that take their whole minute leave the others some. */
export const ACCOUNT_DEPLOYMENTS_IN_WORK_MAX = 12
/** Deployments that wait for room, as those of a script that deploys all its functions at once do, and of one account; bytes of their zips; for how long. */
export const DEPLOYMENTS_WAITING_MAX = 256
export const ACCOUNT_DEPLOYMENTS_WAITING_MAX = 192
export const DEPLOYMENTS_WAITING_BYTES_MAX = 134_217_728
export const DEPLOYMENTS_WAITING_MS_MAX = 30_000
/** Changes that wait for their turn: a record each, and a client that made them at once. */
export const CHANGES_IN_WORK_MAX = 512
export const ACCOUNT_CHANGES_IN_WORK_MAX = 384
/** Longest build; esbuild takes well under a second for what fits the limits. */
export const BUILD_MS_MAX = 60_000
/** Longest pull of a zip from peers. */
export const ZIP_FETCH_MS_MAX = 30_000

/** Method, space and path of a route: a path that long has no place in an address bar. */
export const ROUTE_KEY_LENGTH_MAX = 520
