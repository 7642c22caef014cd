import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { type NoiseComponents, noise } from '@libp2p/noise'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { type Clock, errorCodeOf, isPeerlessError, messageOf, PeerlessError } from '@peerless/interface'
import { type Answer, decodeAnswer, decodeHello, encodeAnswer, encodeHello, type Hello } from './admission-frame.ts'
import { ADMISSION_TIMEOUT_MS, ANSWER_BYTES_MAX, HANDSHAKE_BYTES_MAX, HELLO_BYTES_MAX } from './constants.ts'
import type { PendingAdmissions } from './pending-admissions.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { StrangerBytes } from './stranger-bytes.ts'

/** Ends a connection that has done its work: the token was redeemed, the next connection is a member's. */
class Joined extends Error {
  constructor(peerId: string) {
    super(`a membership was issued over this connection with ${peerId}; the next one is a member's`)
    this.name = 'Joined'
  }
}

/** Who is let in. Peer ids are those that noise has proven. */
export interface AdmissionPolicy {
  /** What this node says first when it dials. */
  hello(): Hello
  /** Judges a dialler. @throws PeerlessError: sent to it as the refusal */
  judge(peerId: string, hello: Hello): Promise<Extract<Answer, { kind: 'admitted' | 'joined' }>>
  /** Judges the answer of the node that was dialled. @throws PeerlessError */
  accept(peerId: string, answer: Answer): void
}

export interface AdmissionOptions {
  policy: AdmissionPolicy
  /** undefined where nobody listens. */
  pending: PendingAdmissions | undefined
  log: RefusalLog
  clock: Clock
  /** Why a dial failed, since libp2p keeps no more than the text. */
  onDialRefused: (peerId: string, error: PeerlessError) => void
}

/**
 * Noise, and then one exchange that only members (or holders of an invite) pass: before the muxer, so before any protocol of libp2p or
 * ours. It keeps noise's name, so that a stock libp2p peer completes the handshake and we can say whom we refused. Noise's early
 * muxer negotiation is left out: both ends negotiate the muxer after admission.
 * @param dialled counts what comes on connections that this node dials
 */
export function admission(
  options: AdmissionOptions,
  dialled: StrangerBytes
): (components: NoiseComponents) => ConnectionEncrypter {
  const makeNoise = noise()
  return (components) => {
    const inner = makeNoise(components)
    return {
      protocol: inner.protocol,
      secureInbound: async (connection, secure) => {
        options.pending?.negotiated(connection)
        const secured = await secureInbound(inner, options, connection, secure)
        options.pending?.admitted(connection)
        return secured
      },
      secureOutbound: async (connection, secure) => {
        dialled.extend(connection, HANDSHAKE_BYTES_MAX + ANSWER_BYTES_MAX)
        const secured = await secureOutbound(inner, options, connection, secure)
        dialled.end(connection)
        return secured
      }
    }
  }
}

/** Above this, copying costs more (collections of garbage outside the heap) than the system calls that it saves. */
const JOINED_BYTES_MAX = 16_384

/**
 * Noise hands on each frame as a list of length and body, and the TCP transport writes every part of a list by itself: two system calls,
 * two packets, two wake-ups at the other end. For small frames one copy is cheaper: 1.8 times the requests per second.
 */
function joinWrites(connection: MessageStream): void {
  const send = connection.send.bind(connection)
  connection.send = (data) => send(data instanceof Uint8Array || data.byteLength > JOINED_BYTES_MAX ? data : data.subarray())
}

/** What noise's decoder takes for "the length of the next frame has not come yet". */
const NO_LENGTH_YET = new RangeError('the length of a frame has not come yet')

/**
 * Behind every frame noise looks for the length of the next one, and an error tells it that there is none: made anew each time, with the stack that it is
 * thrown from, it was a tenth of what a forwarded call costs a node. This one is made once. A noise that looks different is left as it is.
 */
function quietDecoder(secured: SecuredConnection): SecuredConnection {
  const { decoder } = secured.connection as unknown as { decoder?: { lengthDecoder?: (bytes: Bytes) => number } }
  if (decoder?.lengthDecoder === undefined) return secured
  decoder.lengthDecoder = (bytes) => {
    if (bytes.byteLength < 2) throw NO_LENGTH_YET
    return (bytes.get(0) << 8) | bytes.get(1)
  }
  return secured
}

async function secureInbound(
  inner: ConnectionEncrypter,
  options: AdmissionOptions,
  connection: MessageStream,
  secure: SecureConnectionOptions | undefined
): Promise<SecuredConnection> {
  const secured = quietDecoder(await inner.secureInbound(connection, { ...secure, skipStreamMuxerNegotiation: true }))
  const peerId = secured.remotePeer.toString()
  options.pending?.identified(connection, peerId)
  const frames = framesOf(secured.connection, HELLO_BYTES_MAX)
  const deadline = deadlineOf(options.clock, secure?.signal)
  try {
    const answer = await options.policy.judge(peerId, decodeHello((await frames.read(deadline)).subarray()))
    await frames.write(encodeAnswer(answer), deadline)
    options.pending?.settle(connection)
    if (answer.kind === 'joined') {
      await hangUp(options.clock, secured.connection)
      throw new Joined(peerId)
    }
    frames.unwrap()
    joinWrites(connection)
    return { connection: secured.connection, remotePeer: secured.remotePeer }
  } catch (error) {
    if (!(error instanceof Joined)) await refuse(options, connection, secured, frames, peerId, error)
    throw error
  } finally {
    deadline.cancel()
  }
}

/** Tells the dialler why, as one frame, and ends the connection. */
async function refuse(
  options: AdmissionOptions,
  connection: MessageStream,
  secured: SecuredConnection,
  frames: LengthPrefixedStream,
  peerId: string,
  error: unknown
): Promise<void> {
  const unlogged = options.pending?.settle(connection) ?? true
  const known = isPeerlessError(error)
  const refusal = known ? error : new PeerlessError('NOT_A_MEMBER', 'the connection did not say who it is, in time and in form')
  if (unlogged)
    options.log.warn('refused a connection', {
      peer: peerId,
      code: refusal.code,
      reason: known ? error.message : messageOf(error)
    })
  const deadline = deadlineOf(options.clock, undefined, HANG_UP_MS)
  try {
    await frames.write(encodeAnswer({ kind: 'refused', error: refusal }), deadline)
    await hangUp(options.clock, secured.connection)
  } catch {
    // The stranger is gone already; the refusal is logged.
  } finally {
    deadline.cancel()
  }
}

async function secureOutbound(
  inner: ConnectionEncrypter,
  options: AdmissionOptions,
  connection: MessageStream,
  secure: SecureConnectionOptions | undefined
): Promise<SecuredConnection> {
  const secured = quietDecoder(await inner.secureOutbound(connection, { ...secure, skipStreamMuxerNegotiation: true }))
  const peerId = secured.remotePeer.toString()
  const frames = framesOf(secured.connection, ANSWER_BYTES_MAX)
  const deadline = deadlineOf(options.clock, secure?.signal)
  try {
    await frames.write(encodeHello(options.policy.hello()), deadline)
    const answer = decodeAnswer((await frames.read(deadline)).subarray())
    if (answer.kind === 'refused') throw answer.error
    options.policy.accept(peerId, answer)
    if (answer.kind === 'joined') throw new Joined(peerId)
    frames.unwrap()
    joinWrites(connection)
    return { connection: secured.connection, remotePeer: secured.remotePeer }
  } catch (error) {
    if (!(error instanceof Joined)) options.onDialRefused(peerId, dialError(peerId, error))
    throw error
  } finally {
    deadline.cancel()
  }
}

function dialError(peerId: string, error: unknown): PeerlessError {
  if (isPeerlessError(error) && error.code !== 'MALFORMED') return new PeerlessError(errorCodeOf(error.code), error.message)
  return new PeerlessError('NOT_A_MEMBER', `${peerId} did not answer as a member does: ${messageOf(error)}`, { cause: error })
}

/** A stranger's bytes are bounded by twice the frame, wherever it stops. */
function framesOf(connection: MessageStream, bytesMax: number): LengthPrefixedStream {
  return lpStream(connection, { maxDataLength: bytesMax, maxBufferSize: bytesMax * 2 + 65_536, lengthDecoder: lengthOf })
}

interface Bytes {
  readonly byteLength: number
  get(index: number): number
}

/** As many bytes as the length of the largest frame takes. */
const LENGTH_BYTES_MAX = 3

/** A length of seven bits a byte; where it has not ended yet, a RangeError asks for one more. */
function lengthOf(bytes: Bytes): number {
  let length = 0
  for (let index = 0; index < bytes.byteLength; index++) {
    const byte = bytes.get(index)
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return length
  }
  if (bytes.byteLength < LENGTH_BYTES_MAX) throw new RangeError('the length goes on')
  throw new PeerlessError('MALFORMED', `the length of an admission frame takes more than ${LENGTH_BYTES_MAX} bytes`)
}

const HANG_UP_MS = 1_000

/** Ends the connection after what was written has left. */
async function hangUp(clock: Clock, connection: MessageStream): Promise<void> {
  const deadline = deadlineOf(clock, undefined, HANG_UP_MS)
  try {
    await connection.close(deadline)
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  } finally {
    deadline.cancel()
  }
}

function deadlineOf(
  clock: Clock,
  outer: AbortSignal | undefined,
  timeoutMs: number = ADMISSION_TIMEOUT_MS
): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController()
  const timer = clock.after(timeoutMs, () =>
    controller.abort(new PeerlessError('NOT_A_MEMBER', `no admission frame within ${timeoutMs} ms`))
  )
  const signal = outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal])
  return { signal, cancel: () => timer.cancel() }
}
