import { type Clock, type Logger, MESSAGE, type Mesh, type Random, TOPIC } from '@peerless/interface'
import {
  ANSWER_MS_MAX,
  DIRECT_PEERS_MAX,
  DIRECT_SAMPLE,
  FORWARD_ENTRIES_MAX,
  GOSSIP_BYTES_MAX,
  MATE_WAIT_MS_MAX,
  PAGE_BYTES_MAX,
  PAGE_ENTRIES_MAX,
  PUSHES_IN_FLIGHT_MAX
} from './constants.ts'
import { decodeEnvelopes, encodeEnvelopes, type Intake } from './intake.ts'
import type { Staged } from './writer.ts'

export interface SpreadOptions {
  readonly mesh: Mesh
  readonly intake: Intake
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Peers that are told directly in a mesh of any size, and waited for by `reached`. */
  readonly mates: () => readonly string[]
}

/**
 * The fast way for a change: told to every peer at once, or in a larger mesh by gossip and to a few directly. Only what was news here is passed on,
 * so it ends; what gets lost comes with anti-entropy.
 *
 * CATALOG_PUSH: header `{ spread: boolean }` (false: everybody was told already), payload CBOR array of envelopes; answered when it is on disk.
 * Topic `catalog`: the same array.
 */
export class Spread {
  readonly #options: SpreadOptions
  readonly #inFlight = new Map<string, number>()
  /** Of peers that were sent something and have not answered all of it: until they have. */
  readonly #answered = new Map<string, Promise<void>>()

  constructor(options: SpreadOptions) {
    this.#options = options
  }

  listen(): void {
    const { mesh, intake } = this.#options
    mesh.subscribe(TOPIC.CATALOG, (from, bytes) => {
      this.#receive(() => intake.take(decodeEnvelopes(bytes), { from, spread: false }), from)
    })
  }

  /** What a commit of this node made known to it. */
  tell(batch: readonly Staged[]): void {
    const { mesh } = this.#options
    const foreign = batch.filter(({ origin }) => origin.from !== undefined).length
    const news = batch.filter(({ origin }) => origin.from === undefined || (origin.spread && foreign <= FORWARD_ENTRIES_MAX))
    if (news.length === 0) return
    const peers = mesh.peers()
    if (peers.length <= DIRECT_PEERS_MAX) this.#tellAll(peers, news, true)
    else this.#tellMany(peers, news)
  }

  /** Resolves when the mates have on disk what was told so far, or after MATE_WAIT_MS_MAX: then anti-entropy brings it. */
  async reached(): Promise<void> {
    const waited = this.#options.mates().flatMap((peer) => this.#answered.get(peer) ?? [])
    if (waited.length === 0) return
    const late = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(MATE_WAIT_MS_MAX, late.resolve)
    await Promise.race([Promise.all(waited), late.promise])
    timer.cancel()
  }

  #tellMany(peers: readonly string[], news: readonly Staged[]): void {
    const { mesh } = this.#options
    const small = news.filter(({ envelope }) => envelope.length + 16 <= GOSSIP_BYTES_MAX)
    const large = news.filter(({ envelope }) => envelope.length + 16 > GOSSIP_BYTES_MAX)
    for (const envelopes of chunks(small, GOSSIP_BYTES_MAX)) mesh.publish(TOPIC.CATALOG, encodeEnvelopes(envelopes))
    const mates = this.#options.mates()
    this.#tellAll([...mates, ...this.#sample(peers.filter((peer) => !mates.includes(peer)))], small, false)
    this.#tellAll(peers, large, false)
  }

  #tellAll(peers: readonly string[], news: readonly Staged[], spread: boolean): void {
    for (const peer of peers) {
      const fresh = news.filter(({ entry, origin }) => origin.from !== peer && entry.author !== peer)
      for (const envelopes of chunks(fresh, PAGE_BYTES_MAX)) this.#push(peer, envelopes, spread)
    }
  }

  #push(peer: string, envelopes: readonly Uint8Array[], spread: boolean): void {
    const { mesh, clock, logger } = this.#options
    const inFlight = this.#inFlight.get(peer) ?? 0
    if (inFlight >= PUSHES_IN_FLIGHT_MAX) {
      logger.debug('catalog push left to anti-entropy', { peer, inFlight })
      return
    }
    this.#inFlight.set(peer, inFlight + 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const all = Promise.all([this.#answered.get(peer), promise]).then(() => {
      if (this.#answered.get(peer) === all) this.#answered.delete(peer)
    })
    this.#answered.set(peer, all)
    const timer = clock.after(ANSWER_MS_MAX, () => cancel())
    const cancel = mesh.request(peer, MESSAGE.CATALOG_PUSH, { spread }, encodeEnvelopes(envelopes), (error) => {
      timer.cancel()
      resolve()
      const left = (this.#inFlight.get(peer) ?? 1) - 1
      if (left > 0) this.#inFlight.set(peer, left)
      else this.#inFlight.delete(peer)
      if (error !== undefined) logger.debug('catalog push failed', { peer, code: error.code, reason: error.message })
    })
  }

  #sample(peers: readonly string[]): string[] {
    const left = [...peers]
    const sample: string[] = []
    while (sample.length < DIRECT_SAMPLE && left.length > 0) {
      sample.push(...left.splice(Math.floor(this.#options.random.next() * left.length), 1))
    }
    return sample
  }

  #receive(take: () => Promise<unknown>, from: string): void {
    Promise.try(take).catch((error) => this.#options.logger.warn('catalog gossip refused', { from, reason: String(error) }))
  }
}

/** Envelopes in groups of bounded count and bytes; one larger than the bound goes alone. */
export function chunks(staged: readonly { readonly envelope: Uint8Array }[], bytesMax: number): Uint8Array[][] {
  const groups: Uint8Array[][] = []
  let group: Uint8Array[] = []
  let bytes = 0
  for (const { envelope } of staged) {
    // A CBOR byte string of this size has a head of at most 5 bytes, the array one of 3.
    const size = envelope.length + 8
    if (group.length > 0 && (group.length >= PAGE_ENTRIES_MAX || bytes + size > bytesMax)) {
      groups.push(group)
      group = []
      bytes = 0
    }
    group.push(envelope)
    bytes += size
  }
  if (group.length > 0) groups.push(group)
  return groups
}
