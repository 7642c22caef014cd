import { PeerlessError } from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import type { Membership } from './membership.ts'
import { isAbove, issueRemoval, keyOf, lineOf, type Removal } from './removal.ts'
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
  /** A node that left and whose successor this one is. Default: none. */
  readonly as?: string | undefined
  /** Whether a node stays that the target invited. */
  readonly keeps: (peerId: string) => boolean
}

/**
 * What a node signs to remove another: that one; those below it that do not stay, so that a node which hears of them later knows who they were; and anew
 * what they had removed themselves, since their word does not count any more. The latter two only for lines through the nodes that go: these may have
 * made up lines and removals of whom others let in.
 * @returns the target's first
 * @throws FORBIDDEN naming who may, when this node is not above it; INVALID_ARGUMENT
 */
export function removalsOf(order: RemovalOrder): Removal[] {
  const { signer, meshId, target, removals, keeps } = order
  const as = order.as !== undefined && target.peerId !== signer.peerId ? order.as : signer.peerId
  if (!target.issuers.includes(as)) throw notAbove(order)
  // One that left is kept, or not, as if it were here: whom it had let in stays or goes with that.
  const departed = removals
    .values()
    .flatMap(({ left, membership }) => (left === undefined ? [] : [membership]))
    .filter(({ peerId }) => order.members.some(({ issuers }) => issuers.includes(peerId)))
  const below = [...order.members, ...departed].filter(({ issuers }) => issuers.includes(target.peerId))
  const kept = new Set(
    below.filter(({ issuer, peerId }) => issuer === target.peerId && keeps(peerId)).map(({ peerId }) => peerId)
  )
  const out = below.filter((membership) => {
    const line = lineOf(membership)
    return !kept.has(line[line.indexOf(target.peerId) - 1] ?? '')
  })
  const gone = new Set([target, ...out].map(({ peerId }) => peerId))
  // Of who came by another way too, this node may not speak; and what one that left had not listed was not its word.
  const again = removals
    .values()
    .filter((one) => one.left === undefined && gone.has(one.as) && isAbove(one.membership, as, one.within))
    .filter((one) => removals.departureOf(one.as) === undefined || removals.counts(one))
  const own = removals.values().filter(({ by }) => by === signer.peerId)
  // Later than all that it signed before, though its clock were set back: the latest counts.
  const at = own.reduce((latest, one) => Math.max(latest, one.at + 1), order.now)
  const all = [
    issueRemoval(signer, meshId, target, { at, as, keeps: [...kept] }),
    ...out.map((membership) => issueRemoval(signer, meshId, membership, { at, as, keeps: [], within: target.peerId })),
    ...again.map(({ membership, keeps: stay, within }) =>
      issueRemoval(signer, meshId, membership, { at, as, keeps: [...stay], within })
    )
  ]
  // Several of those that go may have removed one node, which may go itself.
  const first = new Map(all.toReversed().map((removal) => [keyOf(removal), removal]))
  return all.filter((removal) => first.get(keyOf(removal)) === removal)
}

function notAbove({ target, members, removals }: RemovalOrder): PeerlessError {
  const names = new Map(members.map(({ peerId, name }) => [peerId, name]))
  // The last is the mesh key.
  const issuers = target.issuers.slice(0, -1)
  const head = removals.headAfter(issuers.at(-1) ?? target.peerId)
  const there = [...issuers.slice(0, -1), ...(head === undefined ? [] : [head])].filter((peerId) => {
    return peerId !== target.peerId && removals.departureOf(peerId) === undefined
  })
  const above = there.map((peerId) => `${names.get(peerId) ?? 'a node unknown here'} (${peerId})`)
  const alone =
    issuers.length === 0 ? 'it founded the mesh' : 'who let it in has left, and nobody has inherited that right over it'
  const who =
    above.length === 0
      ? `${alone}, and nobody can: found a new one`
      : `only who let it in can: ask ${above.join(', or ')}, whose word counts for it`
  return new PeerlessError('FORBIDDEN', `this node cannot remove ${target.name} (${target.peerId}): ${who}`)
}
