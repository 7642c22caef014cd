import { join as joinPath } from 'node:path'
import { type Clock, type Logger, PeerlessError, type Random } from '@peerless/interface'
import type { InviteRedeemed } from './admission-policy.ts'
import { Directory } from './directory.ts'
import {
  foundMesh,
  loadMeshIdentity,
  loadNodeKey,
  MEMBERSHIP_FILE,
  type MeshIdentity,
  type NodeKey,
  saveMeshIdentity
} from './identity.ts'
import { InviteBook } from './invite-book.ts'
import { decodeToken, type InviteToken } from './invite-token.ts'
import { joinMesh } from './join.ts'
import { checkNodeName } from './membership.ts'
import { Libp2pMesh } from './mesh.ts'
import type { PeerlessMesh } from './peerless-mesh.ts'
import { rememberMembers } from './roster.ts'

/** Loopback only: nothing listens beyond it unless the operator says so. */
const LISTEN_DEFAULT = ['/ip4/127.0.0.1/tcp/0']

export interface MeshOptions {
  /** Keys, membership, invites and known members are kept here; made when missing. */
  directory: string
  /** Multiaddrs. Default: /ip4/127.0.0.1/tcp/0 */
  listen?: readonly string[]
  /** An invite token. Where the folder belongs to that mesh already, it only says where its issuer may be found: a restart may repeat it, and one from after all have moved leads them together again. */
  join?: string | undefined
  /** Whether it may found a mesh where neither the folder nor `join` leads to one. Default: true */
  found?: boolean
  /** 1 to 64 letters, digits, '-', '_' or '.'. It goes into the certificate and does not change afterwards. */
  name: string
  clock: Clock
  random: Random
  logger: Logger
  /** After a use of an invite of this node was spent, durably. */
  onInviteRedeemed?: (redeemed: InviteRedeemed) => void
}

/**
 * Opens this node's place in its mesh: the one in the folder; else the one that `join` leads to, redeemed here and now; else a new one.
 * It does not listen until `start`.
 * @throws INVALID_INVITE, INVALID_ARGUMENT, CORRUPT: a file is damaged, or the membership is gone and may not be made anew; CONFLICT: the folder is of another mesh
 */
export async function createMesh(options: MeshOptions): Promise<PeerlessMesh> {
  const { clock, random, logger, join } = options
  const name = checkNodeName(options.name)
  const directory = new Directory(options.directory)
  await directory.prepare()
  const node = await loadNodeKey(directory, random)
  const stored = await loadMeshIdentity(directory, node.signer.peerId)
  const whereabouts = stored !== undefined && join !== undefined ? ofSameMesh(stored, join) : undefined
  const opened = stored ? { identity: stored, joined: false } : await enter(directory, node, name, options)
  const invites = new InviteBook(directory, clock, random)
  await invites.load(logger)
  return new Libp2pMesh({
    directory,
    node,
    identity: opened.identity,
    invites,
    whereabouts,
    listen: options.listen ?? LISTEN_DEFAULT,
    clock,
    random,
    logger: logger.child({ part: 'mesh' }),
    foundedNow: stored === undefined && !opened.joined,
    joinedNow: opened.joined,
    onInviteRedeemed: options.onInviteRedeemed
  })
}

async function enter(
  directory: Directory,
  node: NodeKey,
  name: string,
  options: MeshOptions
): Promise<{ identity: MeshIdentity; joined: boolean }> {
  const { clock, random, logger, join } = options
  if (join === undefined) {
    if (options.found === false) throw lostMembership(directory)
    const identity = await foundMesh(directory, random, node, { name, issuedAt: clock.now() })
    logger.info('founded a mesh', { mesh: identity.meshId })
    return { identity, joined: false }
  }
  const joined = await joinMesh({ token: join, name, node, clock, logger })
  await rememberMembers(directory, joined.identity.meshId, joined.members)
  await saveMeshIdentity(directory, joined.identity)
  logger.info('joined a mesh', { mesh: joined.identity.meshId, invitedBy: joined.identity.membership.issuer })
  return { identity: joined.identity, joined: true }
}

function lostMembership({ path }: Directory): PeerlessError {
  return new PeerlessError(
    'CORRUPT',
    `this node was part of a mesh, but ${joinPath(path, MEMBERSHIP_FILE)} is gone: put it back, or join again with a new invite. A new mesh begins in an empty data folder`
  )
}

function ofSameMesh(stored: MeshIdentity, join: string): InviteToken {
  const token = decodeToken(join)
  const { meshId } = token
  if (meshId === stored.meshId) return token
  throw new PeerlessError(
    'CONFLICT',
    `the invite token is for mesh ${meshId}, but this data folder belongs to mesh ${stored.meshId}; use another folder`
  )
}
