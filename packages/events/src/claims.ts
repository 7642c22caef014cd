import { type Clock, MESSAGE, type Mesh, PeerlessError } from '@peerless/interface'
import { z } from 'zod'
import { CLAIM_MS_MAX, CLAIMS_REMEMBERED_MAX } from './constants.ts'

const claimSchema = z.tuple([z.string().min(1).max(64)])
const answerSchema = z.tuple([z.string().max(128), z.boolean()])

/**
 * Who fires what. Nodes that see different peers may both think that a firing is theirs; before it fires, a node claims it at every connected peer.
 * A claim that came first is granted; of two that cross, that of the lower peer id goes on. So among nodes that are connected, one fires.
 *
 * SCHEDULE_CLAIM: header [id] → [holder of the claim as the answering node knows it, whether it has fired].
 */
export class Claims {
  readonly #mesh: Mesh
  readonly #clock: Clock
  /** In the order in which they came; the oldest is forgotten first. */
  readonly #claims = new Map<string, { holder: string; fired: boolean }>()

  constructor(mesh: Mesh, clock: Clock) {
    this.#mesh = mesh
    this.#clock = clock
  }

  listen(): void {
    this.#mesh.handle(MESSAGE.SCHEDULE_CLAIM, (peerId, request) => {
      const parsed = claimSchema.safeParse(request.header)
      if (!parsed.success) throw new PeerlessError('MALFORMED', 'a claim is [id]')
      const [id] = parsed.data
      const claim = this.#claims.get(id) ?? this.#remember(id, peerId)
      request.reply([claim.holder, claim.fired])
    })
  }

  /**
   * `mine`: nobody who is connected fires it or has fired it. `doubtful`: the same, but another claimed it that may have fired it before it went.
   * `theirs`: somebody does, or may. `fired`: it is done.
   */
  async claim(id: string): Promise<'mine' | 'doubtful' | 'theirs' | 'fired'> {
    const { peerId: self } = this.#mesh
    const own = this.#claims.get(id) ?? this.#remember(id, self)
    if (own.fired) return 'fired'
    // What was granted to a peer that is gone, and has not fired, is free again.
    if (own.holder !== self && this.#mesh.peers().includes(own.holder)) return 'theirs'
    const doubtful = own.holder !== self
    own.holder = self
    const answers = await Promise.all(this.#mesh.peers().map((peerId) => this.#ask(peerId, id)))
    if (answers.some((answer) => answer?.fired === true)) {
      own.fired = true
      return 'fired'
    }
    const connected = new Set(this.#mesh.peers())
    const rivals = answers.flatMap((answer) => (answer === undefined || answer.holder === self ? [] : [answer.holder]))
    if (!rivals.some((rival) => connected.has(rival) && rival < self)) return doubtful || rivals.length > 0 ? 'doubtful' : 'mine'
    this.#claims.delete(id)
    return 'theirs'
  }

  fired(id: string): void {
    const own = this.#claims.get(id) ?? this.#remember(id, this.#mesh.peerId)
    own.fired = true
  }

  #remember(id: string, holder: string): { holder: string; fired: boolean } {
    const claim = { holder, fired: false }
    this.#claims.set(id, claim)
    if (this.#claims.size > CLAIMS_REMEMBERED_MAX) {
      for (const oldest of this.#claims.keys()) {
        this.#claims.delete(oldest)
        break
      }
    }
    return claim
  }

  #ask(peerId: string, id: string): Promise<{ holder: string; fired: boolean } | undefined> {
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined
      const timer = this.#clock.after(CLAIM_MS_MAX, () => cancel())
      cancel = this.#mesh.request(peerId, MESSAGE.SCHEDULE_CLAIM, [id], new Uint8Array(0), (error, reply) => {
        timer.cancel()
        const parsed = error === undefined ? answerSchema.safeParse(reply?.header) : undefined
        // Gone, slow, or of another version: it fires nothing.
        resolve(parsed?.success === true ? { holder: parsed.data[0], fired: parsed.data[1] } : undefined)
      })
    })
  }
}
