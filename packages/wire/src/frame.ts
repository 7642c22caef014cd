import { LIMITS } from '@peerless/interface'

/**
 * One frame on a byte channel:
 *
 *     u32 length of all that follows | u32 id | u8 type | u24 header length | header (CBOR) | payload (raw bytes)
 *
 * Big-endian. The payload is never decoded on the way, so a 5 MB result costs two copies and no parsing.
 */
export const PREFIX_BYTES = 12

/** Types with this bit answer a request of the same id. */
export const REPLY_BIT = 0x80
export const TYPE_REPLY = 0x80
export const TYPE_FAILURE = 0x81
/** A part of the answer, ahead of the reply. */
export const TYPE_PART = 0x82
/**
 * A piece of a frame too long to go at once; its id numbers the frame among those of its sender. The first has a header: [id, type, header,
 * payload length] of the frame. The frame is whole when so much payload has come; a later piece without any calls it off.
 */
export const TYPE_PIECE = 0x7d
/** Grants the serving side of the request of that id so many more bytes of parts: the header is the number. */
export const TYPE_CREDIT = 0x7e
/** Withdraws the request of that id; no answer is expected any more. */
export const TYPE_CANCEL = 0x7f
/** Frames of id 0 are notifications: nobody answers them. */
export const NOTIFICATION_ID = 0

export const FRAME_BYTES_MAX = LIMITS.frameBytesMax
export const HEADER_BYTES_MAX = LIMITS.frameHeaderBytesMax

export interface Frame {
  readonly id: number
  readonly type: number
  /** CBOR, not yet decoded; empty when there is none. */
  readonly header: Uint8Array
  readonly payload: Uint8Array
}
