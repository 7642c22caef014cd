import { join } from 'node:path'
import { messageOf, PeerlessError, type Random } from '@peerless/interface'
import { decode, encode, type Signer, signerOf } from '@peerless/wire'
import { CHAIN_LENGTH_MAX } from './constants.ts'
import { Directory } from './directory.ts'
import { type Chain, issueCertificate, type Membership, verifyChain } from './membership.ts'

const NODE_KEY_FILE = 'node.key'
/** Only in the folder of the node that founded the mesh. */
const MESH_KEY_FILE = 'mesh.key'
export const MEMBERSHIP_FILE = 'membership.cbor'
const FORMAT = 1
const SEED_BYTES = 32
const MESH_SECRET_BYTES = 32

/** Who this node is. */
export interface NodeKey {
  readonly seed: Uint8Array
  readonly signer: Signer
}

/** What it belongs to. */
export interface MeshIdentity {
  readonly meshId: string
  readonly membership: Membership
  /** Shared by all members; others seal secrets at rest with it. */
  readonly meshSecret: Uint8Array
}

/** The node's key; made at the first start. @throws CORRUPT where it is damaged, or gone while the membership that was given to it is there */
export async function loadNodeKey(directory: Directory, random: Random): Promise<NodeKey> {
  const isMember = (await directory.read(MEMBERSHIP_FILE)) !== undefined
  if (isMember && (await directory.read(NODE_KEY_FILE)) === undefined) throw unusableKey(directory, NODE_KEY_FILE, 'is gone')
  const seed = await loadSeed(directory, NODE_KEY_FILE, random)
  return { seed, signer: signerOf(seed) }
}

/** undefined when this folder belongs to no mesh yet. @throws CORRUPT when what is there does not verify */
export async function loadMeshIdentity(directory: Directory, peerId: string): Promise<MeshIdentity | undefined> {
  const bytes = await directory.read(MEMBERSHIP_FILE)
  if (bytes === undefined) return undefined
  try {
    const value = decode(bytes, MEMBERSHIP_FILE)
    const [format, meshId, chain, meshSecret] = Array.isArray(value) ? value : []
    if (format !== FORMAT || typeof meshId !== 'string') throw new Error(`it is not in format ${FORMAT}`)
    return checkIdentity(meshId, chain, meshSecret, peerId)
  } catch (error) {
    const path = join(directory.path, MEMBERSHIP_FILE)
    const next = 'put it back as it was, or move it away and join again with a new invite'
    throw new PeerlessError('CORRUPT', `${path} is damaged, or of another node's key (${messageOf(error)}): ${next}`, {
      cause: error
    })
  }
}

/** @throws NOT_A_MEMBER, MALFORMED */
export function checkIdentity(meshId: string, chain: unknown, meshSecret: unknown, peerId: string): MeshIdentity {
  const membership = verifyChain(chain, meshId)
  if (membership.peerId !== peerId) {
    throw new PeerlessError('NOT_A_MEMBER', `the certificate is of ${membership.peerId}, not of ${peerId}`)
  }
  if (!(meshSecret instanceof Uint8Array) || meshSecret.length !== MESH_SECRET_BYTES) {
    throw new PeerlessError('MALFORMED', `the mesh secret must be ${MESH_SECRET_BYTES} bytes`)
  }
  return { meshId, membership, meshSecret: Uint8Array.from(meshSecret) }
}

/** Durable when it resolves. */
export async function saveMeshIdentity(directory: Directory, identity: MeshIdentity): Promise<void> {
  const { meshId, membership, meshSecret } = identity
  await directory.write(MEMBERSHIP_FILE, encode([FORMAT, meshId, [...membership.chain], meshSecret]))
}

/**
 * Takes the node's key, that of the mesh where it is here, and the mesh's secret out of a node's folder, so that nobody who has the disk later can be this node, or
 * found anew what it founded. A process that runs has them still.
 */
export async function forgetKeys(folder: string): Promise<void> {
  const directory = new Directory(folder)
  for (const file of [NODE_KEY_FILE, MESH_KEY_FILE, MEMBERSHIP_FILE]) await directory.wipe(file)
}

/** Makes a mesh key and this node's certificate of it. */
export async function foundMesh(
  directory: Directory,
  random: Random,
  node: NodeKey,
  order: { name: string; issuedAt: number }
): Promise<MeshIdentity> {
  const meshSigner = signerOf(await loadSeed(directory, MESH_KEY_FILE, random))
  const meshId = meshSigner.peerId
  const certificate = issueCertificate(meshSigner, meshId, { peerId: node.signer.peerId, ...order })
  const identity = checkIdentity(meshId, [certificate], random.bytes(MESH_SECRET_BYTES), node.signer.peerId)
  await saveMeshIdentity(directory, identity)
  return identity
}

/**
 * A certificate for a joining node, signed by this one, with the chain up to the mesh key.
 * @throws FORBIDDEN when this node sits so deep that the chain would be too long
 */
export function extendChain(
  signer: Signer,
  identity: MeshIdentity,
  order: { peerId: string; name: string; issuedAt: number }
): Chain {
  checkDepth(identity)
  return [issueCertificate(signer, identity.meshId, order), ...identity.membership.chain]
}

/** @throws FORBIDDEN */
export function checkDepth(identity: MeshIdentity): void {
  const length = identity.membership.chain.length
  if (length >= CHAIN_LENGTH_MAX) {
    throw new PeerlessError(
      'FORBIDDEN',
      `this node was invited ${length} deep, at most ${CHAIN_LENGTH_MAX}: let a node closer to the founder invite`
    )
  }
}

async function loadSeed(directory: Directory, name: string, random: Random): Promise<Uint8Array> {
  const stored = await directory.read(name)
  if (stored !== undefined) {
    if (stored.length === SEED_BYTES) return stored
    throw unusableKey(directory, name, `must be ${SEED_BYTES} bytes, not ${stored.length}`)
  }
  const seed = random.bytes(SEED_BYTES)
  await directory.write(name, seed)
  return seed
}

function unusableKey(directory: Directory, name: string, what: string): PeerlessError {
  const next =
    'put it back as it was, or begin with an empty data folder and, in a mesh of several nodes, join again as another node'
  return new PeerlessError('CORRUPT', `${join(directory.path, name)} ${what}: ${next}`)
}
