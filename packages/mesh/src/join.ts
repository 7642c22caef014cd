import { multiaddr } from '@multiformats/multiaddr'
import { type Clock, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { JoinPolicy } from './admission-policy.ts'
import { checkIdentity, type MeshIdentity, type NodeKey } from './identity.ts'
import { checkUnexpired } from './invite-book.ts'
import { decodeToken } from './invite-token.ts'
import { makeDialler } from './libp2p-node.ts'
import { RefusalLog } from './refusal-log.ts'

export interface Joined {
  readonly identity: MeshIdentity
  /** Records of members, unchecked. */
  readonly members: unknown
}

/**
 * Redeems an invite at its issuer, over a connection made for that alone. Asking again after a lost answer gives the same membership.
 * @throws INVALID_INVITE: malformed, forged, expired, used, or the issuer not reachable at any of its addresses; CONFLICT when it speaks another version: no other token helps then
 */
export async function joinMesh(order: {
  token: string
  name: string
  node: NodeKey
  clock: Clock
  logger: Logger
}): Promise<Joined> {
  const { node, clock, logger } = order
  const token = decodeToken(order.token)
  if (token.role !== 'node') {
    throw new PeerlessError('INVALID_INVITE', `the invite token is for role '${token.role}'; a node needs one of role 'node'`)
  }
  checkUnexpired(token, clock.now())
  let joined: Joined | undefined
  let refusal: PeerlessError | undefined
  const policy = new JoinPolicy({ text: order.token.trim(), meshId: token.meshId, name: order.name }, (peerId, answer) => {
    const identity = checkIdentity(token.meshId, answer.chain, answer.meshSecret, node.signer.peerId)
    if (peerId !== token.issuer || identity.membership.issuer !== peerId) {
      throw new PeerlessError('NOT_A_MEMBER', `it is signed by ${identity.membership.issuer}, not by the issuer of the invite`)
    }
    joined = { identity, members: answer.members }
  })
  const dialler = await makeDialler({
    seed: node.seed,
    admission: {
      policy,
      pending: undefined,
      log: new RefusalLog(clock, logger),
      clock,
      onDialRefused: (_peerId, error) => {
        refusal = error
      }
    }
  })
  await dialler.start()
  const tried: string[] = []
  try {
    for (const address of token.addresses) {
      refusal = undefined
      const failure = await dialler.dial(multiaddr(address)).then(
        (connection) => connection.abort(new Error('not a membership')),
        (error) => messageOf(error)
      )
      if (joined !== undefined) return joined
      const said = refusal as PeerlessError | undefined
      if (said?.code === 'INVALID_INVITE' || said?.code === 'CONFLICT') throw said
      tried.push(`${address} (${said?.message ?? failure ?? 'no answer'})`)
    }
  } finally {
    await dialler.stop()
  }
  throw new PeerlessError(
    'INVALID_INVITE',
    `the invite token is good, but the node that issued it could not be reached; tried ${tried.join(', ') || 'nothing, it lists no address'}`
  )
}
