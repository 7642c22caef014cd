import type { CommandMap, FeedHead, OfferReply, RefusalReason } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { BOOT_BYTES, HASH_BYTES, malformed, readStatements, SIGNATURE_BYTES, type SignedStatement } from './statement.ts'

/**
 * The requests between nodes; LEDGER_PUSH and gossip are in statement-push.ts. Headers are CBOR arrays; statements travel as payload, in the bytes that were signed.
 *
 *   LEDGER_OFFER  [] + statements            → [signatures, refused: null | [reason, message, receipts], retryAfterMs, boot]
 *   LEDGER_HEADS  [boot, after]              → [boot, store, last, digest, pruned, itemisedFrom, shown] + 39 bytes per head: feed u48, counted u8, hash
 *   LEDGER_PULL   [] + hashes of 32 bytes    → [] + statements
 *   LEDGER_CLAIM  []                         → [] when what ran here for the sender has been offered to it
 */
const FEED_HEAD_BYTES = 6 + 1 + HASH_BYTES
const STORE_ID = /^[a-z0-9-]{1,64}$/
const REASONS: readonly string[] = ['unseen', 'differs', 'boot', 'tariff', 'chain', 'fork', 'malformed'] satisfies RefusalReason[]
const MESSAGE_CHARACTERS_MAX = 500
const RECEIPTS_BYTES_MAX = LEDGER_LIMITS.statementRowsMax * 17
const RETRY_MS_MAX = 60_000

export type HeadsAnswer = CommandMap['heads']['out'] & { boot: Uint8Array }

export function offerReplyHeader(reply: OfferReply): unknown {
  const refused = reply.refused === undefined ? null : [reply.refused.reason, reply.refused.message, reply.refused.receipts]
  return [reply.accepted, refused, reply.retryAfterMs, reply.boot]
}

/** @throws MALFORMED */
export function offerReplyOf(alleged: unknown): OfferReply {
  const [accepted, refused, retryAfterMs, boot] = fields(alleged, 4, 'answer to an offer')
  if (
    !Array.isArray(accepted) ||
    accepted.length > LEDGER_LIMITS.offerStatementsMax ||
    !accepted.every((one) => isBytes(one, SIGNATURE_BYTES)) ||
    !isCount(retryAfterMs, RETRY_MS_MAX) ||
    !isBytes(boot, BOOT_BYTES)
  ) {
    throw malformed('an answer to an offer has signatures, a refusal, a time below 60,000 ms and a boot of 16 bytes')
  }
  return { accepted, refused: refusedOf(refused), retryAfterMs, boot }
}

function refusedOf(alleged: unknown): OfferReply['refused'] {
  if (alleged === null || alleged === undefined) return undefined
  const [reason, message, receipts] = fields(alleged, 3, 'refusal')
  const whole = receipts instanceof Uint8Array && receipts.length <= RECEIPTS_BYTES_MAX && receipts.length % 17 === 0
  if (typeof reason !== 'string' || !REASONS.includes(reason) || typeof message !== 'string' || !whole) {
    throw malformed(`a refusal has a reason of ${REASONS.join(', ')}, a message and receipts of 17 bytes each`)
  }
  return { reason: reason as RefusalReason, message: message.slice(0, MESSAGE_CHARACTERS_MAX), receipts }
}

/** @throws MALFORMED */
export function headsRequestOf(alleged: unknown): { boot: Uint8Array; after: number } {
  const [boot, after] = fields(alleged, 2, 'request for heads')
  if (!isBytes(boot, BOOT_BYTES) || !isCount(after))
    throw malformed('a request for heads has a boot of 16 bytes and a place from 0')
  return { boot, after }
}

export function headsPayload(heads: readonly FeedHead[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(heads.length * FEED_HEAD_BYTES)
  let at = 0
  for (const head of heads) {
    at = bytes.writeUIntLE(head.feed, at, 6)
    at = bytes.writeUInt8(head.counted ? 1 : 0, at)
    bytes.set(head.hash, at)
    at += HASH_BYTES
  }
  return bytes
}

/** @throws MALFORMED */
export function headsAnswerOf(header: unknown, payload: Uint8Array): HeadsAnswer {
  const [boot, store, last, digest, pruned, itemisedFrom, shown] = fields(header, 7, 'answer with heads')
  if (
    !isBytes(boot, BOOT_BYTES) ||
    typeof store !== 'string' ||
    !STORE_ID.test(store) ||
    !isCount(last) ||
    !isBytes(digest, HASH_BYTES) ||
    !isCount(pruned) ||
    !isCount(itemisedFrom) ||
    !isCount(shown) ||
    payload.length % FEED_HEAD_BYTES !== 0 ||
    payload.length > LEDGER_LIMITS.headsMax * FEED_HEAD_BYTES
  ) {
    throw malformed(
      `an answer with heads has boot, store, last, digest, two times, a number and at most ${LEDGER_LIMITS.headsMax} heads of ${FEED_HEAD_BYTES} bytes`
    )
  }
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const heads: FeedHead[] = []
  let before = 0
  for (let at = 0; at < bytes.length; at += FEED_HEAD_BYTES) {
    const feed = bytes.readUIntLE(at, 6)
    if (feed <= before) throw malformed(`head ${feed} must come after ${before}`)
    before = feed
    heads.push({ feed, counted: bytes[at + 6] === 1, hash: Uint8Array.from(bytes.subarray(at + 7, at + FEED_HEAD_BYTES)) })
  }
  return { boot, store, last, digest, heads, pruned, itemisedFrom, shown }
}

/** @param payload of LEDGER_PUSH, gossip or the answer to LEDGER_PULL @throws MALFORMED */
export function statementsOf(payload: Uint8Array): SignedStatement[] {
  if (payload.length > LEDGER_LIMITS.messageBytesMax) {
    throw malformed(`${payload.length} bytes of statements must be at most ${LEDGER_LIMITS.messageBytesMax}`)
  }
  return readStatements(payload, LEDGER_LIMITS.pullHashesMax)
}

/** @throws MALFORMED */
export function hashesOf(payload: Uint8Array): Uint8Array[] {
  if (payload.length % HASH_BYTES !== 0 || payload.length > LEDGER_LIMITS.pullHashesMax * HASH_BYTES) {
    throw malformed(`${payload.length} bytes must be at most ${LEDGER_LIMITS.pullHashesMax} hashes of ${HASH_BYTES}`)
  }
  const hashes: Uint8Array[] = []
  for (let at = 0; at < payload.length; at += HASH_BYTES) hashes.push(payload.subarray(at, at + HASH_BYTES))
  return hashes
}

function fields(alleged: unknown, count: number, what: string): unknown[] {
  if (!Array.isArray(alleged) || alleged.length !== count) throw malformed(`${what} must be a list of ${count}`)
  return alleged
}

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length
}

function isCount(value: unknown, most: number = 2 ** 48 - 1): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}
