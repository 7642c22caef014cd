import { errorCodeOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { WIRE_VERSION } from './constants.ts'

/**
 * The one exchange before anything else runs on a connection, inside noise, each frame length-prefixed (unsigned varint):
 *
 * MAGIC ends with WIRE_VERSION: who says another is told so in words, and nothing else is tried.
 *
 *     dialler → listener   [MAGIC, mesh id, 0, chain]                    a member says who it is
 *                          [MAGIC, mesh id, 1, token, name]              a node that joins
 *     listener → dialler   [0, chain]                                    admitted; now check me
 *                          [1, chain, mesh secret, member records]       joined: this is yours, dial again as a member
 *                          [2, code, message]                            refused, and the connection ends
 */
const NAME = 'peerless/admission/'
const MAGIC = `${NAME}${WIRE_VERSION}`

export type Hello =
  | { readonly kind: 'member'; readonly meshId: string; readonly chain: unknown }
  | { readonly kind: 'join'; readonly meshId: string; readonly token: string; readonly name: string }

export type Answer =
  | { readonly kind: 'admitted'; readonly chain: unknown }
  | { readonly kind: 'joined'; readonly chain: unknown; readonly meshSecret: unknown; readonly members: unknown }
  | { readonly kind: 'refused'; readonly error: PeerlessError }

export function encodeHello(hello: Hello): Uint8Array {
  return hello.kind === 'member'
    ? encode([MAGIC, hello.meshId, 0, hello.chain])
    : encode([MAGIC, hello.meshId, 1, hello.token, hello.name])
}

/** Shape only. @throws MALFORMED, CONFLICT where the other side speaks another version */
export function decodeHello(alleged: Uint8Array): Hello {
  const value = decode(alleged, 'admission frame')
  const [magic, meshId, kind, third, fourth] = Array.isArray(value) ? value : []
  if (magic === MAGIC && typeof meshId === 'string') {
    if (kind === 0) return { kind: 'member', meshId, chain: third }
    if (kind === 1 && typeof third === 'string' && typeof fourth === 'string') {
      return { kind: 'join', meshId, token: third, name: fourth }
    }
  }
  const other = typeof magic === 'string' && magic.startsWith(NAME) ? /^\d{1,9}$/.exec(magic.slice(NAME.length))?.[0] : undefined
  if (other !== undefined && magic !== MAGIC) {
    throw new PeerlessError(
      'CONFLICT',
      `the nodes speak different versions, ${other} the one that dials and ${WIRE_VERSION} the one that is dialled: they work together again when both run the same version of Peerless`
    )
  }
  throw new PeerlessError('MALFORMED', `the first frame after noise must be ['${MAGIC}', mesh, kind, …]`)
}

export function encodeAnswer(answer: Answer): Uint8Array {
  switch (answer.kind) {
    case 'admitted':
      return encode([0, answer.chain])
    case 'joined':
      return encode([1, answer.chain, answer.meshSecret, answer.members])
    case 'refused':
      return encode([2, answer.error.code, answer.error.message])
  }
}

/** Shape only. @throws MALFORMED */
export function decodeAnswer(alleged: Uint8Array): Answer {
  const value = decode(alleged, 'admission answer')
  const [kind, first, second, third] = Array.isArray(value) ? value : []
  if (kind === 0) return { kind: 'admitted', chain: first }
  if (kind === 1) return { kind: 'joined', chain: first, meshSecret: second, members: third }
  if (kind === 2 && typeof second === 'string') {
    return { kind: 'refused', error: new PeerlessError(errorCodeOf(first), second.slice(0, 1_000)) }
  }
  throw new PeerlessError('MALFORMED', 'the answer to an admission is none that this version knows')
}
