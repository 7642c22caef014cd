import { type Clock, isPeerlessError, type Logger, PeerlessError } from '@peerless/interface'
import { decode, encode, type Signer } from '@peerless/wire'
import type { AdmissionPolicy } from './admission.ts'
import type { Answer, Hello } from './admission-frame.ts'
import { WELCOME_MEMBERS_MAX } from './constants.ts'
import { extendChain, type MeshIdentity } from './identity.ts'
import type { InviteBook } from './invite-book.ts'
import { decodeToken, type InviteRole, type InviteToken, type KeyInvite } from './invite-token.ts'
import type { MemberBook } from './member-book.ts'
import { checkNodeName, type Membership, verifyChain } from './membership.ts'
import { lineOf, type Removal } from './removal.ts'
import type { RemovalBook } from './removal-book.ts'

export interface InviteRedeemed {
  readonly role: InviteRole
  /** The node that joined; undefined for an access key. */
  readonly peerId: string | undefined
}

export interface MemberPolicyOptions {
  signer: Signer
  identity: MeshIdentity
  book: MemberBook
  removals: RemovalBook
  invites: InviteBook
  clock: Clock
  logger: Logger
  /** This node is about to leave: whom it let in now would be in no list. */
  isLeaving: () => boolean
  onMember: (membership: Membership) => void
  onInviteRedeemed: (redeemed: InviteRedeemed) => void
}

/** How a member admits: other members by their certificates, new nodes by an invite that this node issued. */
export class MemberPolicy implements AdmissionPolicy {
  readonly #options: MemberPolicyOptions

  constructor(options: MemberPolicyOptions) {
    this.#options = options
  }

  hello(): Hello {
    const { meshId, membership } = this.#options.identity
    return { kind: 'member', meshId, chain: membership.chain }
  }

  async judge(peerId: string, hello: Hello): Promise<Extract<Answer, { kind: 'admitted' | 'joined' }>> {
    const { identity } = this.#options
    if (hello.kind === 'join') return await this.#join(peerId, hello.token, hello.name)
    if (hello.meshId !== identity.meshId) throw otherMesh('NOT_A_MEMBER', hello.meshId, identity.meshId)
    this.#admit(peerId, hello.chain)
    return { kind: 'admitted', chain: identity.membership.chain }
  }

  accept(peerId: string, answer: Answer): void {
    if (answer.kind !== 'admitted') throw new PeerlessError('NOT_A_MEMBER', `${peerId} answered a member with '${answer.kind}'`)
    this.#admit(peerId, answer.chain)
  }

  /** Spends one use of a token of role deployer or invoker. `account`: as it was ordered. @throws INVALID_INVITE */
  async redeemKey(text: string): Promise<KeyInvite> {
    const token = this.#open(text)
    const { role } = token
    if (role === 'node') {
      throw new PeerlessError('INVALID_INVITE', 'the invite token joins a node, not a person: start one with --join')
    }
    const { invites } = this.#options
    await invites.redeem(token, undefined, () => new Uint8Array(0))
    this.#options.onInviteRedeemed({ role, peerId: undefined })
    return { role, account: invites.accountOf(token) }
  }

  #admit(peerId: string, chain: unknown): void {
    const membership = verifyChain(chain, this.#options.identity.meshId)
    if (membership.peerId !== peerId) {
      throw new PeerlessError('NOT_A_MEMBER', `the certificate is of ${membership.peerId}, but ${peerId} presents it`)
    }
    const removal = this.#options.removals.against(membership)
    if (removal !== undefined) throw removed('NOT_A_MEMBER', peerId, removal)
    this.#options.onMember(membership)
  }

  #open(text: string): InviteToken {
    const { identity, signer } = this.#options
    const token = decodeToken(text)
    if (token.meshId !== identity.meshId) throw otherMesh('INVALID_INVITE', token.meshId, identity.meshId)
    if (token.issuer !== signer.peerId) {
      throw new PeerlessError('INVALID_INVITE', `the invite token was issued by node ${token.issuer}; only that node redeems it`)
    }
    return token
  }

  async #join(peerId: string, text: string, name: string): Promise<Extract<Answer, { kind: 'joined' }>> {
    const { signer, identity, invites, removals, clock, book, logger } = this.#options
    const token = this.#open(text)
    if (token.role !== 'node') {
      throw new PeerlessError('INVALID_INVITE', `the invite token is for role '${token.role}'; a node needs one of role 'node'`)
    }
    checkNodeName(name)
    if (this.#options.isLeaving()) throw leaving('INVALID_INVITE')
    const removal = removals.against({ peerId, issuers: lineOf(identity.membership) })
    // Before it spends a use on what nobody would take.
    if (removal?.membership.peerId === peerId) throw removed('INVALID_INVITE', peerId, removal)
    const make = () => encode(extendChain(signer, identity, { peerId, name, issuedAt: clock.now() }))
    const chain = decode(await invites.redeem(token, peerId, make), 'issued membership')
    const membership = verifyChain(chain, identity.meshId)
    logger.info('a node joined', { peer: peerId, name: membership.name })
    this.#options.onMember(membership)
    this.#options.onInviteRedeemed({ role: 'node', peerId })
    const members = decode(book.packAll(WELCOME_MEMBERS_MAX), 'member records')
    return { kind: 'joined', chain, meshSecret: identity.meshSecret, members }
  }
}

/** How a node without membership behaves: it redeems its token at the issuer and admits nobody. */
export class JoinPolicy implements AdmissionPolicy {
  readonly #text: string
  readonly #meshId: string
  readonly #name: string
  readonly #take: (peerId: string, answer: Extract<Answer, { kind: 'joined' }>) => void

  constructor(
    token: { text: string; meshId: string; name: string },
    take: (peerId: string, answer: Extract<Answer, { kind: 'joined' }>) => void
  ) {
    this.#text = token.text
    this.#meshId = token.meshId
    this.#name = token.name
    this.#take = take
  }

  hello(): Hello {
    return { kind: 'join', meshId: this.#meshId, token: this.#text, name: this.#name }
  }

  async judge(): Promise<never> {
    throw new PeerlessError('NOT_A_MEMBER', 'this node is joining and takes no connections')
  }

  accept(peerId: string, answer: Answer): void {
    if (answer.kind !== 'joined') throw new PeerlessError('NOT_A_MEMBER', `${peerId} answered an invite with '${answer.kind}'`)
    try {
      this.#take(peerId, answer)
    } catch (error) {
      if (isPeerlessError(error))
        throw new PeerlessError('NOT_A_MEMBER', `${peerId} gave a membership that fails: ${error.message}`)
      throw error
    }
  }
}

function removed(code: 'NOT_A_MEMBER' | 'INVALID_INVITE', peerId: string, { at, by, membership, left }: Removal): PeerlessError {
  const when = new Date(at).toISOString()
  const who = membership.peerId === peerId ? 'it' : `${membership.peerId}, which let it in,`
  const what =
    left === undefined
      ? `${who} was removed at ${when} by ${by}`
      : membership.peerId === peerId
        ? `it left at ${when}`
        : `${by} left at ${when}, and it is none of those that it said it had let in`
  return new PeerlessError(
    code,
    `${peerId} is no member any more: ${what}. It can join with a new invite and an empty data folder`
  )
}

/** Why this node lets nobody in. */
export function leaving(code: 'INVALID_INVITE' | 'UNAVAILABLE'): PeerlessError {
  return new PeerlessError(code, 'this node is leaving the mesh and lets nobody in any more: ask another one for an invite')
}

function otherMesh(code: 'NOT_A_MEMBER' | 'INVALID_INVITE', theirs: string, ours: string): PeerlessError {
  const what = code === 'INVALID_INVITE' ? 'the invite token is' : 'the membership is'
  return new PeerlessError(code, `${what} for mesh ${theirs.slice(0, 64)}, but this is mesh ${ours}`)
}
