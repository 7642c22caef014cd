import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  type Message,
  TopicValidatorResult
} from '@chainsafe/libp2p-gossipsub'
import { type Logger, messageOf, PeerlessError, TOPIC, type Topic } from '@peerless/interface'
import { GOSSIP_BYTES_MAX, GOSSIP_PENDING_MAX, GOSSIP_QUEUE_BYTES_MAX } from './constants.ts'

/** An RPC carries several messages; larger ones are not decoded at all. */
const RPC_BYTES_MAX = 1_048_576

/**
 * Signed by the publisher (StrictSign): messages are passed on by others, so only a signature says who published, and every
 * receiver may then trust `from`. It costs about 0.1 ms per message and hop. Floods to all subscribers: a mesh is one hop wide while it
 * is a full mesh. No score for many peers on one address, which is a machine that runs several nodes, not an attack, among members.
 * What a peer subscribes to is remembered for as long as it is connected: of the mesh's own topics only.
 */
export function makeGossip(meshId: string): (components: GossipSubComponents) => GossipSub {
  return gossipsub({
    globalSignaturePolicy: 'StrictSign',
    allowPublishToZeroTopicPeers: true,
    emitSelf: false,
    floodPublish: true,
    // The publisher tells all that it is connected with. What those pass on is for meshes in which a node is not connected with everybody, and a copy too much in others.
    D: 4,
    Dlo: 2,
    Dhi: 6,
    Dout: 1,
    // Copies by other ways are known by the signature that was verified once; without this each copy is verified again.
    fastMsgIdFn: ({ signature }) => (signature === undefined ? '' : Buffer.from(signature).toString('latin1')),
    allowedTopics: Object.values(TOPIC).map((topic) => topicName(meshId, topic)),
    scoreParams: { IPColocationFactorWeight: 0 },
    maxInboundDataLength: RPC_BYTES_MAX,
    maxOutboundBufferSize: GOSSIP_QUEUE_BYTES_MAX
  })
}

function topicName(meshId: string, topic: Topic): string {
  return `/peerless/${meshId}/${topic}`
}

export interface GossipOptions {
  meshId: string
  isMember: (peerId: string) => boolean
  logger: Logger
}

/** Topics of one mesh over gossipsub. */
export class Gossip {
  readonly #options: GossipOptions
  readonly #receivers = new Map<string, (from: string, bytes: Uint8Array) => void>()
  #service: GossipSub | undefined
  #pending = 0
  #dropped = 0

  constructor(options: GossipOptions) {
    this.#options = options
  }

  /** Publishes dropped because too many were on their way. */
  get dropped(): number {
    return this.#dropped
  }

  /** Once libp2p runs; what was subscribed before becomes effective. */
  start(service: GossipSub): void {
    this.#service = service
    service.addEventListener('gossipsub:message', (event) => this.#deliver(event.detail.msg))
    for (const name of this.#receivers.keys()) this.#join(service, name)
  }

  stop(): void {
    this.#service = undefined
  }

  subscribe(topic: Topic, receive: (from: string, bytes: Uint8Array) => void): void {
    const name = this.#nameOf(topic)
    if (this.#receivers.has(name)) throw new PeerlessError('CONFLICT', `topic '${topic}' has its one receiver already`)
    this.#receivers.set(name, receive)
    if (this.#service !== undefined) this.#join(this.#service, name)
  }

  /** @throws TOO_LARGE */
  publish(topic: Topic, bytes: Uint8Array): void {
    if (bytes.length > GOSSIP_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `gossip of ${bytes.length} bytes must be at most ${GOSSIP_BYTES_MAX}`)
    }
    // Before it is signed: a node alone has much to tell, and nobody.
    if (this.#service === undefined || this.#service.getPeers().length === 0) return
    if (this.#pending >= GOSSIP_PENDING_MAX) {
      this.#dropped++
      return
    }
    this.#pending++
    this.#service
      .publish(this.#nameOf(topic), bytes)
      .catch((error) => this.#options.logger.debug('gossip was not published', { topic, reason: messageOf(error) }))
      .finally(() => {
        this.#pending--
      })
  }

  #join(service: GossipSub, name: string): void {
    service.topicValidators.set(name, (_peer, message) => this.#validate(message))
    service.subscribe(name)
  }

  /** The signature was checked by gossipsub already. A publisher that we do not know is not passed on, but may be a member we have yet to hear of. */
  #validate(message: Message): TopicValidatorResult {
    if (message.type !== 'signed' || message.data.length > GOSSIP_BYTES_MAX) return TopicValidatorResult.Reject
    return this.#options.isMember(message.from.toString()) ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
  }

  #deliver(message: Message): void {
    const receive = this.#receivers.get(message.topic)
    if (receive === undefined || message.type !== 'signed') return
    try {
      receive(message.from.toString(), message.data)
    } catch (error) {
      this.#options.logger.warn('a gossip message was rejected by its receiver', {
        topic: message.topic,
        from: message.from.toString(),
        reason: messageOf(error)
      })
    }
  }

  #nameOf(topic: Topic): string {
    return topicName(this.#options.meshId, topic)
  }
}
