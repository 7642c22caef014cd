/** Bounds and periods of the mesh. Times in milliseconds, sizes in bytes. */

/** Invitations deep: certificates from a node up to the mesh key. An invited node may invite until here; 16 × ~260 bytes is a 4 KiB frame. */
export const CHAIN_LENGTH_MAX = 16
/** One certificate in its envelope: two peer ids, a name of 64 characters, a signature, and room to spare. */
export const CERTIFICATE_BYTES_MAX = 512

/** What the other end may send before it is admitted: a chain, or a token with its addresses. */
export const HELLO_BYTES_MAX = 16_384
/** What an admitted node gets: a chain of its own and the records of up to `WELCOME_MEMBERS_MAX` members. */
export const ANSWER_BYTES_MAX = 393_216
export const WELCOME_MEMBERS_MAX = 32
/** Before noise: the header of multistream-select and a name or two of what is to come, twice over. */
export const NEGOTIATION_BYTES_MAX = 256
/** Noise: two messages with a key, a signature and what other implementations add; and its frames around what is said through it. */
export const HANDSHAKE_BYTES_MAX = 4_096
/** From accepted socket to admitted. On a 300 ms path the handshake takes 5 round trips. */
export const ADMISSION_TIMEOUT_MS = 5_000
/** Sockets that are not admitted yet. One more, and the oldest of the busiest address goes: strangers cannot keep members out. */
export const ADMISSIONS_PENDING_MAX = 128
/** Inbound connections per second and address; js-libp2p's default of 5 is less than one restart of a small mesh. */
export const INBOUND_PER_SECOND_MAX = 200
/** Refusals logged per `REFUSALS_LOGGED_WINDOW_MS`; the rest is counted in the next line. */
export const REFUSALS_LOGGED_MAX = 20
export const REFUSALS_LOGGED_WINDOW_MS = 10_000

export const TOKEN_PREFIX = 'plinv1.'
export const TOKEN_CHARACTERS_MAX = 4_096
export const INVITE_SECRET_BYTES = 16
export const INVITE_ID_BYTES = 12
export const INVITE_TTL_MS_MIN = 1_000
export const INVITE_TTL_MS_MAX = 366 * 86_400_000
/** Invites on record, and the uses of all of them: the record is rewritten at each redemption, so it must stay small. */
export const INVITES_MAX = 1_000
export const INVITE_USES_TOTAL_MAX = 10_000
/** A spent or expired invite stays on record this long, so that the refusal can say which it was. */
export const INVITE_KEPT_AFTER_EXPIRY_MS = 86_400_000

/** Of what a member says when it refuses this node, for people: what this version says has 300. */
export const REFUSAL_CHARACTERS_MAX = 500

export const NODE_NAME = /^[a-zA-Z0-9-_.]{1,64}$/
export const ADDRESSES_MAX = 8
export const ADDRESS_CHARACTERS_MAX = 256
/** One address record in its envelope: as many addresses, a peer id, a signature, and room to spare. */
export const ADDRESS_RECORD_BYTES_MAX = 2_560

/** Members remembered, connected or not. */
export const MEMBERS_MAX = 512
/** Nodes that were removed, or left. They are remembered for ever, because one that nobody remembers could come back, and what it had signed would be a stranger's word. */
export const REMOVALS_MAX = 2_048
/** The same with their chains, as they travel: most have less than 1 KB, 255 of the largest fit with the founder's departure, and all are less than an exchange. */
export const REMOVALS_BYTES_MAX = 6_029_312
/** Nodes that a removed one invited and that stay, and one removal in its envelope with so many. */
export const REMOVAL_KEEPS_MAX = 128
export const REMOVAL_BYTES_MAX = 8_192
/** Of the SHA-256 of a peer id or a removal, in the lists of a departure: whoever has the node's key would have to try 2^114 keys to get one of his own into the longest. */
export const MARK_BYTES = 16
/** A peer id that a departure names; those of Ed25519 keys have 52. */
export const PEER_ID_CHARACTERS_MAX = 128
/** Removals of its own that a node which leaves has stand, and one departure in its envelope with so many and MEMBERS_MAX nodes that stay, behind a chain of CHAIN_LENGTH_MAX. */
export const STANDS_MAX = 256
export const DEPARTURE_BYTES_MAX = 14_336
/** The founder lets most of a mesh in and removes most, and there is one: in its departure is room for whomever it can know of, from its book, from removals and from the record of its invites. */
export const FOUNDER_STAYS_MAX = MEMBERS_MAX + REMOVALS_MAX + INVITE_USES_TOTAL_MAX
export const FOUNDER_DEPARTURE_BYTES_MAX = DEPARTURE_BYTES_MAX + (FOUNDER_STAYS_MAX + REMOVALS_MAX) * MARK_BYTES
/** How long a node that leaves waits until its peers have said that they know. */
export const DEPARTURE_TOLD_MS = 10_000
/** From when a removal is known to the end of the node's connections: it is told why. */
export const REMOVED_TOLD_MS = 200
/** The same for one that left: it asks whether that is known, of peers that may be busy, and ends its connections itself. */
export const LEFT_TOLD_MS = 2_000
/**
 * Full mesh up to here; a larger mesh is a random subset per node. With so many the routing of MEMBERS_MAX nodes stays within its goals (`npm run simulate -- --nodes 512
 * --rows connections`; with 64 and 192 calls began cold 1.30 times as often as with perfect locality, where the goal is 1.2). One more costs an idle node 0.03 % of a core and some 200 KB.
 */
export const CONNECTIONS_WANTED_MAX = 96
/** Connections accepted: those that others want come on top of our own. */
export const CONNECTIONS_MAX = 256
/** Connections of one peer: two when both dialled at once, one more when it came back before its old one was seen dead. */
export const CONNECTIONS_PER_PEER_MAX = 4
export const DIALS_PARALLEL_MAX = 16
export const DIAL_TIMEOUT_MS = 8_000
export const REDIAL_MS_MIN = 250
/** A node that comes back dials the others itself, so this only bounds how long two that both moved stay apart. */
export const REDIAL_MS_MAX = 30_000
/** When both learn of each other at the same time, the one with the larger peer id waits this long, so that one connection results. */
export const REDIAL_YIELD_MS = 600

/** Period of pings; each tick without any byte from the peer counts as missed. */
export const PING_PERIOD_MS = 1_500
/**
 * A peer that was heard of in the last half of a period, less a round trip, needs no ping to be known to live: the answer to that of the next tick comes before
 * PEER_SILENT_MS_MIN. But for one in so many ticks, which measures the round trip.
 */
export const PING_HEARD_MS = 750
export const PING_MEASURED_TICKS = 4
/** A wall clock that differs by more is told of, once in so many ticks: requests are signed and changes are ordered by it, and others take nothing that is 5 minutes ahead. */
export const CLOCK_OFFSET_MS_TOLD = 30_000
export const CLOCK_LOOKED_TICKS = 40
/** Of so many ticks one keeps the bulk stream: libp2p closes one that was idle for 120 s, which leaves three more to come. */
export const BULK_KEPT_TICKS = 20
/** Missed ticks after which a silent peer is given up: 4.5 to 6 s. Counted in ticks, so a stall of this process is not the peer's death. */
export const PINGS_MISSED_MAX = 4
/** A tick so late means that this process stood still, and heard nobody. */
export const STALL_MS_MIN = 500
/** Members' records are exchanged with one random peer this often, jittered; news travels at once besides. */
export const EXCHANGE_PERIOD_MS = 20_000
/** A full book of the largest members or removals, and less than a frame. */
export const EXCHANGE_BYTES_MAX = 6_291_456
/** Changes to the members on disk are joined over this time. */
export const SAVE_DELAY_MS = 500

/** Bytes queued on one carrier behind a slow peer; above it a request is refused with BUSY, which promises that nothing was sent. */
export const CARRIER_QUEUE_BYTES_MAX = 33_554_432
/** Replies cannot be refused: a peer that lets this many bytes of them wait loses the stream. Reading its requests stopped long before. */
export const CARRIER_WRITE_BYTES_MAX = 268_435_456
/** While so many of them wait, nothing more is done for the peer: five of the largest, of which one at a time is asked for. */
export const REPLIES_WAITING_BYTES_MAX = 33_554_432
/** Unanswered requests of one stream, header and payload; above it nothing more is read from it. Ten of the largest payloads. */
export const SERVED_BYTES_MAX = 67_108_864
/**
 * Payloads of unanswered calls to one peer; above it a call is refused with BUSY, before anything is sent. Less than the peer holds, or it would read nothing more, neither
 * small calls nor credits nor withdrawals, until one of the large ones ends: the rest is for what nodes say to each other, the largest messages of the queue above all.
 */
export const UNANSWERED_BYTES_MAX = 50_331_648
/** Smaller ones are bounded well enough by the number of requests outstanding. */
export const SERVED_COUNTED_BYTES_MIN = 4_096
/** Most that yamux lets a peer have in flight on one stream. Must stay below `STREAM_READ_BYTES_MAX`, or a paused stream is reset. */
export const STREAM_WINDOW_BYTES_MAX = 4_194_304
export const STREAM_READ_BYTES_MAX = 8_388_608
/** Streams per connection and side: two carriers, gossip, identify and a reopening of each. */
export const STREAMS_PER_CONNECTION_MAX = 32
/** Of those that a peer opens for one carrier: the one in use, and those that this side has not seen die yet. Each may hold SERVED_BYTES_MAX. */
export const CARRIER_STREAMS_MAX = 4
/** Attempts to open a carrier on a live connection before the connection is given up. */
export const CARRIER_ATTEMPTS_MAX = 6
export const CARRIER_RETRY_MS = 150
export const CARRIER_OPEN_TIMEOUT_MS = 5_000

/** One gossip message; larger state travels by request. */
export const GOSSIP_BYTES_MAX = 65_536
/** Publishes that are being signed and sent; more are dropped, which gossip may do. */
export const GOSSIP_PENDING_MAX = 1_024
/** Unsent gossip to one slow peer before its gossip stream is reset. */
export const GOSSIP_QUEUE_BYTES_MAX = 4_194_304

/** Request types of this package: 50 to 59. */
export const MESH_MESSAGE = {
  /** header undefined → {draining, now: epoch ms}. Measures the round trip and keeps the stream from going idle. */
  PING: 50,
  /** payload: member records → payload: the other side's records. Bulk carrier. */
  MEMBERS: 51,
  /** header: digest of the removals known → payload: the other side's, where its digest differs. Notification with payload: removals. Bulk carrier. */
  REMOVALS: 52
} as const

/**
 * What nodes say to each other, all packages together: whoever changes a message so that the version before would not understand it counts this up. Two nodes
 * with different numbers do not connect: they are two parts of a partition until both are updated, which all else is made for; half understood messages are not.
 */
export const WIRE_VERSION = 3

export const PROTOCOL = { calls: '/peerless/calls/1', bulk: '/peerless/bulk/1' } as const
