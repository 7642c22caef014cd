import {
  ACCOUNT_NAME,
  type Clock,
  FUNCTION_NAME,
  type LogFilter,
  type Logger,
  type LogLine,
  type LogReader,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError
} from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import {
  LOG_FOLLOW_PERIOD_MS,
  LOG_LINES_PER_NODE_MAX,
  LOG_NODE_MS_MAX,
  LOG_PAGE_LINES_MAX,
  LOG_PEER_TIMEOUT_MS
} from './constants.ts'
import type { LogPage, LogStore } from './log-store.ts'

/** MESSAGE.LOGS_READ. Header: [functionName, sinceMs, cursor, account]; reply header: [cursor, more]; payload: CBOR list of lines. */
export class MeshLogs implements LogReader {
  readonly #store: LogStore
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(options: { store: LogStore; mesh: Mesh; clock: Clock; logger: Logger }) {
    this.#store = options.store
    this.#mesh = options.mesh
    this.#clock = options.clock
    this.#logger = options.logger
  }

  start(): void {
    this.#mesh.handle(MESSAGE.LOGS_READ, (_peerId, request) => {
      const [name, sinceMs, cursor, account] = Array.isArray(request.header) ? request.header : []
      const named = isText(name, FUNCTION_NAME) && isText(account, ACCOUNT_NAME)
      if (!named || typeof sinceMs !== 'number' || typeof cursor !== 'number') {
        throw new PeerlessError('MALFORMED', 'a request for logs is [function, since, cursor, account]')
      }
      const page = this.#store.read(account, name, sinceMs, cursor)
      request.reply([page.cursor, page.more], encode(page.lines))
    })
  }

  /** Lines of all nodes, merged by time; with `follow`, in rounds: a line that arrives late may come after a younger one of an earlier round. */
  async *read(filter: LogFilter): AsyncIterable<LogLine> {
    const cursors = new Map<string, number>()
    while (!filter.signal.aborted) {
      const nodes = [this.#mesh.peerId, ...this.#mesh.peers()]
      const pages = await Promise.all(nodes.map((node) => this.#readNode(node, filter, cursors)))
      yield* pages.flat().sort((a, b) => a.time - b.time)
      if (!filter.follow) return
      await this.#pause(filter.signal)
    }
  }

  async #readNode(node: string, filter: LogFilter, cursors: Map<string, number>): Promise<LogLine[]> {
    const lines: LogLine[] = []
    const until = this.#clock.monotonic() + LOG_NODE_MS_MAX
    for (let more = true; more && lines.length < LOG_LINES_PER_NODE_MAX; ) {
      if (this.#clock.monotonic() >= until) {
        this.#logger.warn('the logs of a peer were cut: it takes too long over them', { peerId: node, lines: lines.length })
        break
      }
      const page = await this.#page(node, filter, cursors.get(node) ?? 0)
      cursors.set(node, page.cursor)
      lines.push(...page.lines)
      more = page.more && page.lines.length > 0
    }
    return lines
  }

  async #page(node: string, filter: LogFilter, cursor: number): Promise<LogPage> {
    if (node === this.#mesh.peerId) return this.#store.read(filter.account, filter.function, filter.sinceMs, cursor)
    const controller = new AbortController()
    const timer = this.#clock.after(LOG_PEER_TIMEOUT_MS, () => controller.abort())
    try {
      const header = [filter.function, filter.sinceMs, cursor, filter.account]
      const reply = await this.#mesh.call(node, MESSAGE.LOGS_READ, header, undefined, {
        carrier: 'bulk',
        signal: controller.signal
      })
      return pageOf(node, reply.header, decode(reply.payload, 'log lines'), cursor)
    } catch (error) {
      // The others' lines are still worth showing; who is missing is said in this node's own log.
      this.#logger.warn('no logs from a peer', { peerId: node, reason: messageOf(error) })
      return { lines: [], cursor, more: false }
    } finally {
      timer.cancel()
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#clock.after(LOG_FOLLOW_PERIOD_MS, done)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}

function pageOf(node: string, header: unknown, alleged: unknown, after: number): LogPage {
  const [cursor, more] = Array.isArray(header) ? header : []
  if (
    !Number.isSafeInteger(cursor) ||
    cursor < after ||
    !Array.isArray(alleged) ||
    alleged.length > LOG_PAGE_LINES_MAX ||
    (alleged.length > 0 && cursor === after) ||
    !alleged.every(isLine)
  ) {
    throw new PeerlessError('MALFORMED', 'a page of logs is not whole')
  }
  // Which node a line is from is known from the connection, not from the line.
  return { lines: alleged.map((line) => ({ ...line, node })), cursor, more: more === true }
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

function isLine(value: unknown): value is LogLine {
  if (typeof value !== 'object' || value === null) return false
  const line = value as Record<string, unknown>
  const texts = [line.level, line.message, line.function, line.version, line.requestId, line.instance]
  return Number.isFinite(line.time) && texts.every((text) => typeof text === 'string')
}
