import {
  type Clock,
  type DestinationService,
  type IncomingRequest,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError,
  serviceDestination
} from '@peerless/interface'
import { z } from 'zod'
import { DELIVERIES_FOR_PEERS_MAX, DELIVERY_TIMEOUT_MS } from './constants.ts'
import { checkNote, type DeliveryNote, noteOf } from './event.ts'
import { noEndpoint, type ServiceAnswer, type ServiceRequest, serviceProblem, serviceRequest } from './service-request.ts'

/** A record for an address outside the mesh. */
export interface PostOrder {
  /** Whose function it tells about; undefined in events of versions that did not note it. */
  readonly account: string | undefined
  readonly functionName: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly timeoutMs: number
}

/** Resolves with the HTTP status; rejects when there was no answer. */
export type Post = (order: PostOrder) => Promise<number>

/** The services that this node has endpoints of. Implemented by node/, which signs. */
export interface Services {
  /** Origin of the endpoint; undefined: it has none. */
  originOf(service: DestinationService): string | undefined
  /** Signs and sends. Rejects when there was no answer within the time. */
  send(request: ServiceRequest, timeoutMs: number): Promise<ServiceAnswer>
  /** Connected peers that say that they deliver to it. */
  peersWith(service: DestinationService): readonly string[]
}

export interface DeliveryOrder {
  readonly id: string
  readonly account: string | undefined
  readonly note: DeliveryNote
  /** URL or ARN. */
  readonly address: string
  readonly contentType: string
  readonly payload: Uint8Array
}

const headerSchema = z.tuple([z.string().max(64), z.string().max(350), z.unknown()])

/**
 * One try of one delivery: to a web address by the way that functions' requests take; to a service by the endpoint of this node, or by a peer that
 * has one, so that it does not matter which node ran the event.
 *
 * QUEUE_DELIVER: header [id, ARN, note], payload: the record. Answered when the service took it, failed with its reason.
 */
export class Deliveries {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #post: Post
  readonly #services: Services
  #forPeers = 0

  constructor(options: { mesh: Mesh; clock: Clock; post: Post; services: Services }) {
    this.#mesh = options.mesh
    this.#clock = options.clock
    this.#post = options.post
    this.#services = options.services
  }

  listen(): void {
    this.#mesh.handle(MESSAGE.QUEUE_DELIVER, (_peerId, request) => this.#deliverFor(request))
  }

  /** Resolves when it was taken. @throws PeerlessError with the reason */
  async deliver(order: DeliveryOrder): Promise<void> {
    if (!order.address.startsWith('arn:')) {
      await this.#deliverToWeb(order)
      return
    }
    const to = serviceDestination(order.address)
    if (to === undefined) throw new PeerlessError('INVALID_ARGUMENT', `'${order.address.slice(0, 200)}' is no place for records`)
    if (this.#services.originOf(to.service) !== undefined) await this.#deliverToService(order)
    else await this.#deliverByPeer(order, to.service)
  }

  async #deliverToWeb({ address: url, account, contentType, payload: body, note }: DeliveryOrder): Promise<void> {
    const headers = {
      'content-type': contentType,
      'x-peerless-request-id': note.requestId,
      ...(note.purpose === 'dead-letter' ? { 'x-peerless-error-code': String(note.errorCode) } : {})
    }
    const { functionName } = note
    const status = await this.#post({ account, functionName, url, headers, body, timeoutMs: DELIVERY_TIMEOUT_MS })
    if (status < 200 || status >= 300) throw new PeerlessError('CONNECTION_LOST', `it answered ${status}`)
  }

  async #deliverToService({ address, id, note, payload }: Omit<DeliveryOrder, 'account' | 'contentType'>): Promise<void> {
    const to = serviceDestination(address)
    const origin = to === undefined ? undefined : this.#services.originOf(to.service)
    if (to === undefined || origin === undefined)
      throw new PeerlessError('UNAVAILABLE', `this node does not deliver to '${address.slice(0, 200)}'`)
    const answer = await this.#services.send(serviceRequest(to, { id, note, payload, origin }), DELIVERY_TIMEOUT_MS)
    const problem = serviceProblem(to.service, answer)
    if (problem !== undefined) throw new PeerlessError('CONNECTION_LOST', problem)
  }

  async #deliverByPeer(order: DeliveryOrder, service: DestinationService): Promise<void> {
    const peers = this.#services.peersWith(service)
    let reason: unknown = noEndpoint(service)
    for (const peerId of peers) {
      try {
        await this.#ask(peerId, order)
        return
      } catch (error) {
        reason = error
        // Its service answered; another way to the same service would be told the same.
        if (!(error instanceof PeerlessError) || (error.code !== 'UNAVAILABLE' && error.code !== 'BUSY')) break
      }
    }
    throw reason
  }

  #ask(peerId: string, { id, address, note, payload }: DeliveryOrder): Promise<void> {
    return new Promise((resolve, reject) => {
      let cancel: () => void = () => undefined
      const timer = this.#clock.after(DELIVERY_TIMEOUT_MS, () => cancel())
      cancel = this.#mesh.request(peerId, MESSAGE.QUEUE_DELIVER, [id, address, noteOf(note)], payload, (error) => {
        timer.cancel()
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }

  #deliverFor(request: IncomingRequest): void {
    const parsed = headerSchema.safeParse(request.header)
    if (!parsed.success) throw new PeerlessError('MALFORMED', 'a delivery is [id, ARN, note]')
    const [id, address, alleged] = parsed.data
    const note = checkNote(alleged)
    if (this.#forPeers >= DELIVERIES_FOR_PEERS_MAX)
      throw new PeerlessError('BUSY', `${this.#forPeers} deliveries for peers are under way, at most ${DELIVERIES_FOR_PEERS_MAX}`)
    this.#forPeers++
    this.#deliverToService({ id, note, address, payload: request.payload })
      .then(
        () => request.reply(undefined),
        (error) =>
          request.fail(
            error instanceof PeerlessError ? error : new PeerlessError('CONNECTION_LOST', messageOf(error), { cause: error })
          )
      )
      .finally(() => {
        this.#forPeers--
      })
  }
}
