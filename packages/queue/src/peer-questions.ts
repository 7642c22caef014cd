import { type Clock, type Logger, MESSAGE, type Mesh, messageOf, PEER_SILENT_MS_MIN } from '@peerless/interface'
import { ASK_MS_MAX, ASK_SILENT_MS_MAX } from './constants.ts'
import { decodeCodes, type Question } from './messages.ts'

interface Answer {
  readonly peerId: string
  readonly payload: Uint8Array
}

/** Questions to every connected peer at once. Who does not answer in time is left out. */
export class PeerQuestions {
  readonly #options: { mesh: Mesh; clock: Clock; logger: Logger }

  constructor(options: { mesh: Mesh; clock: Clock; logger: Logger }) {
    this.#options = options
  }

  async ask(question: Question, peers: readonly string[] = this.#options.mesh.peers()): Promise<Answer[]> {
    const answers = await Promise.all(peers.map((peerId) => this.#askOne(peerId, question)))
    return answers.filter((answer) => answer !== undefined)
  }

  /** What each peer that answered knows of each id. */
  async knowledge(ids: readonly string[]): Promise<{ peerId: string; codes: number[] }[]> {
    const known: { peerId: string; codes: number[] }[] = []
    for (const { peerId, payload } of await this.ask(['know', [...ids]])) {
      try {
        known.push({ peerId, codes: decodeCodes(payload, ids.length) })
      } catch (error) {
        this.#options.logger.warn('malformed knowledge of events', { peerId, reason: messageOf(error) })
      }
    }
    return known
  }

  #askOne(peerId: string, question: Question): Promise<Answer | undefined> {
    const { mesh, clock } = this.#options
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined
      const silent = (mesh.silentMs(peerId) ?? 0) > PEER_SILENT_MS_MIN
      const timer = clock.after(silent ? ASK_SILENT_MS_MAX : ASK_MS_MAX, () => cancel())
      cancel = mesh.request(peerId, MESSAGE.QUEUE_ASK, question, new Uint8Array(0), (error, reply) => {
        timer.cancel()
        // Gone, slow or of an older version: it does not know.
        resolve(error !== undefined || reply === undefined ? undefined : { peerId, payload: reply.payload })
      })
    })
  }
}
