import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type Identify, identify } from '@libp2p/identify'
import type { ConnectionGater, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { PeerlessError } from '@peerless/interface'
import { publicKeyOf, signerOf } from '@peerless/wire'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type AdmissionOptions, admission } from './admission.ts'
import {
  ADMISSION_TIMEOUT_MS,
  ADMISSIONS_PENDING_MAX,
  CONNECTIONS_MAX,
  DIAL_TIMEOUT_MS,
  DIALS_PARALLEL_MAX,
  INBOUND_PER_SECOND_MAX,
  NEGOTIATION_BYTES_MAX,
  STREAM_READ_BYTES_MAX,
  STREAM_WINDOW_BYTES_MAX,
  STREAMS_PER_CONNECTION_MAX
} from './constants.ts'
import { makeGossip } from './gossip.ts'
import { steadyMuxer } from './steady-muxer.ts'
import { StrangerBytes } from './stranger-bytes.ts'

export type MeshLibp2p = Libp2p<{ identify: Identify; gossip: GossipSub }>

export interface Libp2pOptions {
  seed: Uint8Array
  meshId: string
  listen: readonly string[]
  admission: AdmissionOptions
}

/** TCP, noise with admission, yamux. Not started. */
export async function makeLibp2p(options: Libp2pOptions): Promise<MeshLibp2p> {
  return await createLibp2p({
    ...baseOf(options),
    addresses: { listen: [...options.listen] },
    services: { identify: identify({ maxMessageSize: 65_536 }), gossip: makeGossip(options.meshId) }
  })
}

/** The same without a listener, gossip or identify: for the one connection over which a token is redeemed. */
export async function makeDialler(options: Omit<Libp2pOptions, 'listen' | 'meshId'>): Promise<Libp2p> {
  return await createLibp2p(baseOf(options))
}

function baseOf(options: Omit<Libp2pOptions, 'listen' | 'meshId'>) {
  const { pending } = options.admission
  const dialled = new StrangerBytes()
  const gater: ConnectionGater = {
    // Not to deny, but the places that see a socket before its first byte.
    denyInboundConnection: (connection) => {
      pending?.add(connection)
      return false
    },
    denyOutboundConnection: (_peerId, connection) => {
      dialled.begin(connection, NEGOTIATION_BYTES_MAX, () =>
        connection.abort(new PeerlessError('NOT_A_MEMBER', 'it sent too much before it was known to be a member'))
      )
      return false
    }
  }
  return {
    start: false,
    privateKey: privateKeyOf(options.seed),
    transports: [tcp()],
    connectionEncrypters: [admission(options.admission, dialled)],
    streamMuxers: [
      steadyMuxer(
        yamux({
          maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
          maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
          streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX, maxReadBufferLength: STREAM_READ_BYTES_MAX }
        })
      )
    ],
    connectionGater: gater,
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      maxParallelDials: DIALS_PARALLEL_MAX,
      dialTimeout: DIAL_TIMEOUT_MS,
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      // Ours is the bound that matters, because it chooses whom to drop; libp2p's refuses whoever comes next.
      maxIncomingPendingConnections: ADMISSIONS_PENDING_MAX * 2,
      inboundUpgradeTimeout: ADMISSION_TIMEOUT_MS * 2,
      // Redial is ours.
      reconnectRetries: 0
    },
    // Pings are ours too: libp2p's opens a stream for each.
    connectionMonitor: { enabled: false }
  }
}

/** A private key of libp2p that signs with Node's key object, made once: libp2p's own makes one of each signature, half a millisecond of gossip's. */
function privateKeyOf(seed: Uint8Array): PrivateKey {
  const signer = signerOf(seed)
  // With its public half, which Node derives in no time; libp2p would in JavaScript, 100 ms of a start.
  const key = privateKeyFromRaw(Buffer.concat([seed, publicKeyOf(signer.peerId)]))
  return Object.assign(key, { sign: (message: Parameters<PrivateKey['sign']>[0]) => signer.sign(message.subarray()) })
}
