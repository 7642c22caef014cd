/** Bounds of the HTTP front that concern nobody else; what nodes and clients must agree on is in `LIMITS` of the interface. */
export interface GatewayLimits {
  /** Request line and headers together. Node's own default; AWS allows 10,240 bytes of headers. */
  readonly headerBytesMax: number
  /** Open connections; further ones are closed at once. 10,000 idle ones cost about 200 MB. */
  readonly connectionsMax: number
  /** From the first byte of a request to its last header. */
  readonly headersTimeoutMs: number
  /** From the first byte of a request to the last of its body: 70 MB at 300 KB/s takes 234 s. */
  readonly requestTimeoutMs: number
  /** How often the two are looked at; a slow client lives up to that much longer. */
  readonly checkTimeoutsMs: number
  /** A kept-alive connection without a request. Above the 60 s of common load balancers, so that they close first. */
  readonly keepAliveMs: number
  /** Bytes of request bodies held in memory, all requests together; beyond it requests are refused with 503. */
  readonly bodyBytesHeldMax: number
  /** What is still read, and for how long, of a body that was refused, so that the client gets to see the refusal. */
  readonly lingerBytesMax: number
  readonly lingerMs: number
  /** Bodies of the mesh API: the largest is a few hundred bytes. */
  readonly meshBodyBytesMax: number
  /** A route with its CORS lists. */
  readonly routeBodyBytesMax: number
  /** NDJSON streams open at once (followed logs, statements). */
  readonly streamsMax: number
  /** Validity of the download URL in GetFunction (AWS: 10 minutes). */
  readonly codeUrlMs: number
  /** Zips that one account may have stored (AWS: 75 GB). */
  readonly codeBytesMax: number
}

export const GATEWAY_LIMITS: GatewayLimits = {
  headerBytesMax: 16_384,
  connectionsMax: 10_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  checkTimeoutsMs: 5_000,
  keepAliveMs: 65_000,
  bodyBytesHeldMax: 536_870_912,
  lingerBytesMax: 8_388_608,
  lingerMs: 2_000,
  meshBodyBytesMax: 16_384,
  routeBodyBytesMax: 65_536,
  streamsMax: 256,
  codeUrlMs: 600_000,
  codeBytesMax: 80_530_636_800
}

/** SigV4: how far `X-Amz-Date` may be from this node's clock (AWS: 15 minutes for most services). */
export const CLOCK_SKEW_MS_MAX = 900_000
/** SigV4: the longest `X-Amz-Expires` of a presigned URL, a week (IAM user guide, "Elements of an AWS API request signature"). */
export const PRESIGNED_SECONDS_MAX = 604_800
/** Signing keys are derived by four HMACs and reused for a day; one per access key, day and region. */
export const SIGNING_KEYS_CACHED_MAX = 1_024
/** An Authorization header with fifty signed header names has about 1,200 characters. */
export const AUTHORIZATION_CHARS_MAX = 4_096
/** References of function URLs (`NAME`, `NAME:QUALIFIER`) kept ready. */
export const REFERENCES_CACHED_MAX = 4_096
/** Header names kept in lower case and quoted. Names come from clients: when it is full it starts again. */
export const HEADER_NAMES_CACHED_MAX = 512
/** Addresses of clients with what events say of them: when it is full it starts again. */
export const FORWARDERS_CACHED_MAX = 4_096
/** ListFunctions: AWS answers at most 50 whatever MaxItems says. */
export const LIST_ITEMS_MAX = 50
/** Text of a caller that is repeated in an error message. */
export const QUOTED_CHARS_MAX = 200
/** Routes of the whole mesh: the table of all of them is made anew after a change, which takes some 20 ms then. */
export const ROUTES_MAX = 10_000
/** Of one account: the others have the rest. */
export const ACCOUNT_ROUTES_MAX = 5_000
/** A client that takes nothing of a large answer for so long loses its connection: the answer is in memory meanwhile. */
export const ANSWER_STALL_MS_MAX = 60_000
/** ListEventSourceMappings: AWS answers at most 100. */
export const MAPPINGS_LISTED_MAX = 100
/** AWS: tags of one resource. */
export const TAGS_MAX = 50
/** AWS: a resource policy as text. */
export const POLICY_BYTES_MAX = 20_480
/** AWS's default of calls at once in an account, said where the mesh has fewer slots, and what must be left unreserved of it. */
export const CONCURRENCY_MIN = 1_000
export const UNRESERVED_MIN = 100
/** Of `streamsMax`, what keys of one account may have open: who follows logs without end leaves others some. */
export const ACCOUNT_STREAMS_SHARE = 0.75
