import { type Catalog, type Clock, type DestinationService, type Mesh, messageOf, PeerlessError } from '@peerless/interface'
import type { ServiceAnswer, ServiceRequest, Services } from '@peerless/queue'
import { type AwsAccess, signedHeaders } from './aws-signature.ts'
import { responseBytes } from './response-bytes.ts'

/** Answers of these services have a few hundred bytes. */
const ANSWER_BYTES_MAX = 65_536

/** Origins of the endpoints that the operator gave. */
export type ServiceEndpoints = Partial<Record<DestinationService, string>>

/**
 * Sends records to the services whose endpoints this node was given, signed with the operator's keys. The endpoints are the operator's word, so no policy
 * of functions applies to them; keys and signatures are never in an error or a log.
 */
export class ServiceDoor implements Services {
  readonly #endpoints: ServiceEndpoints
  readonly #access: AwsAccess
  readonly #mesh: Mesh
  readonly #catalog: Catalog
  readonly #clock: Clock

  constructor(options: { endpoints: ServiceEndpoints; access: AwsAccess; mesh: Mesh; catalog: Catalog; clock: Clock }) {
    this.#endpoints = options.endpoints
    this.#access = options.access
    this.#mesh = options.mesh
    this.#catalog = options.catalog
    this.#clock = options.clock
  }

  /** As the catalog tells the other nodes. */
  get names(): DestinationService[] {
    return (Object.keys(this.#endpoints) as DestinationService[]).sort()
  }

  originOf(service: DestinationService): string | undefined {
    return this.#endpoints[service]
  }

  peersWith(service: DestinationService): string[] {
    return this.#mesh.peers().filter((peerId) => this.#catalog.get('node', peerId)?.destinations?.includes(service) === true)
  }

  /** Whether a record for it can be delivered from anywhere in the mesh now. */
  reaches(service: DestinationService): boolean {
    return this.originOf(service) !== undefined || this.peersWith(service).length > 0
  }

  async send(request: ServiceRequest, timeoutMs: number): Promise<ServiceAnswer> {
    const { service, method, path, headers, body } = request
    const origin = this.originOf(service)
    if (origin === undefined) throw new PeerlessError('UNAVAILABLE', `this node has no endpoint for ${service}`)
    const url = new URL(origin)
    const region = request.region === '' ? this.#access.region : request.region
    const signed = signedHeaders(this.#access, {
      method,
      host: url.host,
      path,
      query: '',
      headers,
      body,
      service,
      region,
      now: this.#clock.now()
    })
    try {
      const response = await fetch(`${url.origin}${path}`, {
        method,
        headers: signed,
        body: body as Uint8Array<ArrayBuffer>,
        // A redirect would send the signature elsewhere.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs)
      })
      return { status: response.status, body: await responseBytes(response, ANSWER_BYTES_MAX, `the answer of ${url.origin}`) }
    } catch (error) {
      if (error instanceof PeerlessError) throw error
      const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error)
      throw new PeerlessError('CONNECTION_LOST', `${url.origin} did not answer: ${cause}`, { cause: error })
    }
  }
}
