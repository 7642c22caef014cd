/** Requests of one instance that are on the wire at a time; more wait. The executor lets no more through. */
export const PER_INSTANCE_MAX = 64
/** Of all instances of one function on this node. */
export const PER_FUNCTION_MAX = 256
/** Of this node: file descriptors are shared with everything else that the daemon does. */
export const PER_NODE_MAX = 1_024
/** Of all functions of one account on this node: what one account leaves hanging is not all that the others have. */
export const PER_ACCOUNT_MAX = 768
/** Requests that wait for a place, of one instance; one more is refused. */
export const WAITING_PER_INSTANCE_MAX = 256
export const REDIRECTS_MAX = 20
export const REQUEST_BYTES_MAX = 268_435_456
/** After decompression. */
export const RESPONSE_BYTES_MAX = 268_435_456
/** A body that may have to be sent again after a redirect is kept up to this size. */
export const REPLAY_BYTES_MAX = 1_048_576
export const URL_CHARS_MAX = 65_536
export const HEADERS_MAX = 128
export const HEADER_BYTES_MAX = 65_536
export const CONNECT_MS_MAX = 10_000
export const DNS_MS_MAX = 10_000
/** The longest life of an invocation (AWS: 15 minutes). */
export const EXCHANGE_MS_MAX = 900_000
/** A connection that nobody uses. */
export const IDLE_SOCKET_MS = 4_000
/** Accounts whose connections are kept open between requests. */
export const AGENTS_MAX = 64
export const PIECE_BYTES_MAX = 65_536
export const CODINGS_MAX = 5
