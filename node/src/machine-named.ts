import { PeerlessError } from '@peerless/interface'

export interface NamedNode {
  readonly peerId: string
  readonly name: string
  /** Who invited it. */
  readonly issuer: string | undefined
  /** The machine that it says it is on. */
  readonly machine: string
}

/**
 * The node that somebody means who wants it removed. A peer id is that node and no other, whatever it says of its machine: it may be in the wrong hands, and would name
 * another. The fronts of a machine have one name, and are meant by their first, which invited them.
 * @returns undefined where there is none
 * @throws CONFLICT when several have that name
 */
export function machineNamed(node: string, nodes: readonly NamedNode[]): string | undefined {
  if (nodes.some(({ peerId }) => peerId === node)) return node
  const named = nodes.filter(({ name }) => name === node)
  const isFrontOf = (one: NamedNode, first: NamedNode) =>
    one !== first && one.machine === first.peerId && one.issuer === first.peerId
  const firsts = named.filter((one) => !named.some((other) => isFrontOf(one, other)))
  if (firsts.length > 1) {
    const ids = firsts.map(({ peerId }) => peerId).join(', ')
    throw new PeerlessError('CONFLICT', `${firsts.length} machines are named '${node}'; say which: ${ids}`)
  }
  return firsts[0]?.peerId
}
