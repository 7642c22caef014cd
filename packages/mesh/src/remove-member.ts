import { PeerlessError } from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import type { Membership } from './membership.ts'
import { issueRemoval, lineOf, type Removal } from './removal.ts'
import type { RemovalBook } from './removal-book.ts'

export interface RemovalOrder {
  readonly signer: Signer
  readonly meshId: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly target: Membership
  /** All that are known. */
  readonly members: readonly Membership[]
  readonly removals: RemovalBook
  /** Whether a node stays that the target invited. */
  readonly keeps: (peerId: string) => boolean
}

/**
 * What a node signs to remove another: that one; those below it that do not stay, so that a node which hears of them later knows who they were; and anew
 * what they had removed themselves, since their word does not count any more.
 * @returns the target's first
 * @throws FORBIDDEN naming who may, when this node is not above it; INVALID_ARGUMENT
 */
export function removalsOf(order: RemovalOrder): Removal[] {
  const { signer, meshId, now: at, target, members, removals, keeps } = order
  if (!target.issuers.includes(signer.peerId)) throw notAbove(order)
  const below = members.filter(({ issuers }) => issuers.includes(target.peerId))
  const kept = new Set(
    below.filter(({ issuer, peerId }) => issuer === target.peerId && keeps(peerId)).map(({ peerId }) => peerId)
  )
  const out = below.filter((membership) => {
    const line = lineOf(membership)
    return !kept.has(line[line.indexOf(target.peerId) - 1] ?? '')
  })
  const gone = new Set([target, ...out].map(({ peerId }) => peerId))
  const again = removals.values().filter(({ by }) => gone.has(by))
  return [
    issueRemoval(signer, meshId, target, { at, keeps: [...kept] }),
    ...out.map((membership) => issueRemoval(signer, meshId, membership, { at, keeps: [] })),
    ...again.map((removal) => issueRemoval(signer, meshId, removal.membership, { at, keeps: [...removal.keeps] }))
  ]
}

function notAbove({ target, members }: RemovalOrder): PeerlessError {
  const names = new Map(members.map(({ peerId, name }) => [peerId, name]))
  // The last is the mesh key.
  const above = target.issuers.slice(0, -1).map((peerId) => `${names.get(peerId) ?? 'a node unknown here'} (${peerId})`)
  const who =
    above.length === 0
      ? 'it founded the mesh, and nobody can: found a new one'
      : `only who let it in can: ask ${above.join(', or ')}, whose word counts for it`
  return new PeerlessError('FORBIDDEN', `this node cannot remove ${target.name} (${target.peerId}): ${who}`)
}
