import { type Clock, type DeadLetter, type DeadLetterFilter, type Logger, messageOf } from '@peerless/interface'
import { DEAD_PAGE_BYTES_MAX, DEAD_PAGE_MAX } from './constants.ts'
import type { Disk } from './disk.ts'
import { decodeMeta, decodeResult, type StoredEvent, subjectOf } from './event.ts'
import { type DeadMessage, decodeDead } from './messages.ts'
import type { PeerQuestions } from './peer-questions.ts'
import type { DeadRow, DeadWhich } from './store.ts'

/** A dead letter with the event as it can be sent again. */
export interface Letter extends DeadLetter {
  readonly stored: StoredEvent
}

/** What was given up, here and at peers: each node that had a copy has the letter, so they are merged by id. */
export class DeadLetters {
  readonly #disk: Disk
  readonly #questions: PeerQuestions
  readonly #logger: Logger
  /** For letters of events that were accepted without a note of it. */
  readonly #accountOf: (functionName: string) => string | undefined

  constructor(options: {
    disk: Disk
    questions: PeerQuestions
    logger: Logger
    clock: Clock
    accountOf: (functionName: string) => string | undefined
  }) {
    this.#disk = options.disk
    this.#questions = options.questions
    this.#logger = options.logger
    this.#accountOf = options.accountOf
  }

  /** Oldest first. */
  async list(filter: DeadLetterFilter): Promise<Letter[]> {
    const { requestId: id = null, account = null, functionName = null } = filter
    const [here, ...there] = await Promise.all([
      this.page(DEAD_PAGE_MAX, { id, account, functionName }),
      this.#questions.ask(['dead', DEAD_PAGE_MAX, id, account, functionName])
    ])
    const letters = new Map<string, Letter>()
    for (const row of here) this.#add(letters, row, 'this node')
    for (const { peerId, payload } of there.flat()) {
      try {
        for (const row of decodeDead(payload)) this.#add(letters, row, peerId)
      } catch (error) {
        this.#logger.warn('malformed dead letters', { peerId, reason: messageOf(error) })
      }
    }
    return [...letters.values()]
      .filter((letter) => this.#matches(letter, filter))
      .sort((a, b) => (a.result.settledAt ?? 0) - (b.result.settledAt ?? 0))
  }

  /** Those of this node, as they go over the mesh. */
  async page(limit: number, which: DeadWhich): Promise<DeadMessage> {
    const rows = await this.#disk.ask('dead', limit, which)
    let bytes = 0
    return rows
      .filter((row) => {
        bytes += row.payload?.length ?? 0
        return bytes <= DEAD_PAGE_BYTES_MAX
      })
      .map((row: DeadRow) => [row.id, row.result ?? null, row.meta, row.bytes, row.payload ?? null])
  }

  #add(letters: Map<string, Letter>, [id, result, meta, bytes, payload]: DeadMessage[number], from: string): void {
    if (letters.has(id)) return
    try {
      const stored = decodeMeta(meta, id)
      const { event, state } = stored
      const known =
        result !== null
          ? decodeResult(result)
          : {
              // Its result was forgotten after a day; the letter is kept for longer.
              requestId: id,
              ...subjectOf(event),
              status: 'failed' as const,
              condition: undefined,
              attempts: state.starts,
              acceptedAt: event.acceptedAt,
              settledAt: undefined,
              executedVersion: undefined,
              functionError: undefined,
              payload: undefined,
              payloadCut: false,
              owner: ''
            }
      letters.set(id, { stored, result: known, eventBytes: bytes, event: payload ?? undefined })
    } catch (error) {
      this.#logger.warn('malformed dead letter', { id, from, reason: messageOf(error) })
    }
  }

  #matches({ result }: Letter, { functionName, account }: DeadLetterFilter): boolean {
    if (functionName !== undefined && result.functionName !== functionName) return false
    return account === undefined || (result.account ?? this.#accountOf(result.functionName)) === account
  }
}
