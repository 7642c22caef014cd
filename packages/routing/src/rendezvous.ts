/**
 * Highest random weight (Thaler & Ravishankar 1998): every node ranks nodes for a key alike, without talking, and a node that
 * comes or goes moves only its own keys.
 */
export function rendezvousWeight(nodeHash: number, keyHash: number): number {
  return mix(nodeHash ^ keyHash)
}

/** The node that all who see the same nodes take for the one in charge of a key. @param nodes at least one */
export function rendezvousOwner(key: string, nodes: readonly string[]): string {
  const keyHash = hashOf(key)
  let owner = nodes[0] as string
  let most = -1
  for (const node of nodes) {
    const weight = rendezvousWeight(hashOf(node), keyHash)
    if (weight < most || (weight === most && node > owner)) continue
    owner = node
    most = weight
  }
  return owner
}

/** FNV-1a, 32 bits: cheap, and mixed afterwards because its high bits are weak for short keys. */
export function hashOf(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return mix(value >>> 0)
}

/** Finaliser of MurmurHash3 (public domain). */
function mix(value: number): number {
  let v = value
  v = Math.imul(v ^ (v >>> 16), 0x85ebca6b)
  v = Math.imul(v ^ (v >>> 13), 0xc2b2ae35)
  return (v ^ (v >>> 16)) >>> 0
}
