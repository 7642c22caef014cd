import { type Clock, MESSAGE, type Mesh, PEER_SILENT_MS_MIN, PeerlessError } from '@peerless/interface'
import { z } from 'zod'
import { CLAIM_MS_MAX, CLAIM_SILENT_MS_MAX, CLAIMS_REMEMBERED_MAX } from './constants.ts'

const claimSchema = z.union([z.tuple([z.string().min(1).max(64)]), z.tuple([z.string().min(1).max(64), z.literal(true)])])
const answerSchema = z.tuple([z.string().max(128), z.boolean(), z.boolean()])

interface Claim {
  holder: string
  /** Its holder has asked everybody and is making the firing: it yields to nobody any more. */
  won: boolean
  fired: boolean
}

interface Answer extends Claim {
  readonly peerId: string
}

/**
 * Who fires what. Nodes that see different peers, or one of which took another for dead, may both think that a firing is theirs; before it fires, a node
 * claims it at every connected peer. A claim that came first is granted; of two that cross, that of the lower peer id goes on. So among nodes that are
 * connected, one fires. Afterwards it tells the others, so that whoever owns the schedule next knows without it.
 *
 * SCHEDULE_CLAIM: header [id] → [holder of the claim as the answering node knows it, whether it has fired, whether it is about to].
 * Header [id, true]: the sender has fired it.
 */
export class Claims {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #isDraining: (peerId: string) => boolean
  /** In the order in which they came; the oldest is forgotten first. */
  readonly #claims = new Map<string, Claim>()

  /** @param isDraining whether a peer takes no new work: it fires nothing more that it has not fired */
  constructor(mesh: Mesh, clock: Clock, isDraining: (peerId: string) => boolean) {
    this.#mesh = mesh
    this.#clock = clock
    this.#isDraining = isDraining
  }

  listen(): void {
    this.#mesh.handle(MESSAGE.SCHEDULE_CLAIM, (peerId, request) => {
      const parsed = claimSchema.safeParse(request.header)
      if (!parsed.success) throw new PeerlessError('MALFORMED', 'a claim is [id] or [id, true]')
      const [id, fired] = parsed.data
      const claim = this.#claims.get(id) ?? this.#remember(id, peerId)
      if (fired === true) claim.fired = true
      request.reply([claim.holder, claim.fired, claim.won])
    })
  }

  /**
   * `mine`: nobody who is connected fires it or has fired it. `doubtful`: the same, but another claimed it that may have fired it before it went or fell
   * silent. `theirs`: somebody does, or may. `fired`: it is done.
   */
  async claim(id: string): Promise<'mine' | 'doubtful' | 'theirs' | 'fired'> {
    const { peerId: self } = this.#mesh
    const own = this.#claims.get(id) ?? this.#remember(id, self)
    if (own.fired) return 'fired'
    const granted = own.holder
    // What was granted to a peer that is gone or silent, or takes no more, and has not fired, is free again.
    if (granted !== self && this.#isThere(granted) && !this.#isDraining(granted)) return 'theirs'
    own.holder = self
    own.won = false
    const answers = await this.#ask([id])
    if (own.fired || answers.some(({ fired }) => fired)) {
      own.fired = true
      return 'fired'
    }
    const byPeer = new Map(answers.map((answer) => [answer.peerId, answer]))
    const rivals = new Set(answers.map(({ holder }) => holder).filter((holder) => holder !== self))
    if ([...rivals].some((rival) => this.#goesFirst(rival, byPeer.get(rival)))) {
      this.#claims.delete(id)
      return 'theirs'
    }
    own.won = true
    const isOthers = (peerId: string) => peerId !== self && byPeer.get(peerId)?.holder !== self
    return isOthers(granted) || [...rivals].some(isOthers) ? 'doubtful' : 'mine'
  }

  /** It was not made after all: whoever asks next may have it. */
  drop(id: string): void {
    const own = this.#claims.get(id)
    if (own?.holder === this.#mesh.peerId && !own.fired) this.#claims.delete(id)
  }

  hasFired(id: string): boolean {
    return this.#claims.get(id)?.fired === true
  }

  /** Best effort: who does not hear it asks. */
  fired(id: string): void {
    const own = this.#claims.get(id) ?? this.#remember(id, this.#mesh.peerId)
    own.fired = true
    void this.#ask([id, true])
  }

  /** @param said its own answer; undefined when it gave none */
  #goesFirst(rival: string, said: Answer | undefined): boolean {
    // One that lives and does not answer in time may be about to fire: it is asked again.
    if (said === undefined) return this.#isThere(rival)
    return said.holder === rival && (said.won || rival < this.#mesh.peerId)
  }

  #isThere(peerId: string): boolean {
    const silentMs = this.#mesh.silentMs(peerId)
    return silentMs !== undefined && silentMs < PEER_SILENT_MS_MIN
  }

  #remember(id: string, holder: string): Claim {
    const claim = { holder, won: false, fired: false }
    this.#claims.set(id, claim)
    if (this.#claims.size > CLAIMS_REMEMBERED_MAX) {
      for (const oldest of this.#claims.keys()) {
        this.#claims.delete(oldest)
        break
      }
    }
    return claim
  }

  async #ask(header: [id: string] | [id: string, fired: true]): Promise<Answer[]> {
    const answers = await Promise.all(this.#mesh.peers().map((peerId) => this.#askOne(peerId, header)))
    return answers.filter((answer) => answer !== undefined)
  }

  #askOne(peerId: string, header: unknown): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined
      const timer = this.#clock.after(this.#isThere(peerId) ? CLAIM_MS_MAX : CLAIM_SILENT_MS_MAX, () => cancel())
      cancel = this.#mesh.request(peerId, MESSAGE.SCHEDULE_CLAIM, header, new Uint8Array(0), (error, reply) => {
        timer.cancel()
        const parsed = error === undefined ? answerSchema.safeParse(reply?.header) : undefined
        if (parsed?.success !== true) {
          // Gone, slow, or of another version.
          resolve(undefined)
          return
        }
        const [holder, fired, won] = parsed.data
        resolve({ peerId, holder, fired, won })
      })
    })
  }
}
