import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type Logger, messageOf, type Timer } from '@peerless/interface'
import { REVISIONS_REMEMBERED_MAX, STANDINGS, type Standing, type StandingEntry } from './conduct.ts'

const FILE = 'standings.json'
const FORMAT = 1
/** Good news may be lost with a crash: such a revision proves itself again. An offence is written at once. */
const WRITE_MS = 2_000
/** 4,096 entries of a revision's UUID and three short values take about 300 KB. */
const FILE_BYTES_MAX = 2_097_152

/**
 * What revisions have shown, kept over restarts: a node that was restarted must not put code that misbehaved beside others again, nor proven code
 * into processes of its own. The whole file is written anew; what is in it is checked like anything from a disk.
 */
export class StandingsFile {
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: Logger
  #entries: () => StandingEntry[] = () => []
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #again = false

  constructor(directory: string, clock: Clock, logger: Logger) {
    this.#path = join(directory, FILE)
    this.#clock = clock
    this.#logger = logger
  }

  /** Nothing where there is no file; a file that can't be read is left aside, and everything is on probation. */
  async read(): Promise<StandingEntry[]> {
    try {
      const text = await readFile(this.#path, 'utf8')
      return entriesOf(text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      this.#logger.error('what revisions had shown is lost: all are on probation', { path: this.#path, reason: messageOf(error) })
      await rename(this.#path, `${this.#path}.corrupt`).catch(() => {
        // It is written anew in any case.
      })
      return []
    }
  }

  /** From now on `changed` writes what this gives. */
  keep(entries: () => StandingEntry[]): void {
    this.#entries = entries
  }

  /** @param soon an offence: it must be on disk before the code runs again elsewhere */
  changed(soon: boolean): void {
    if (soon) {
      this.#timer?.cancel()
      this.#timer = undefined
      this.#write()
    } else {
      this.#timer ??= this.#clock.after(WRITE_MS, () => {
        this.#timer = undefined
        this.#write()
      })
    }
  }

  /** Resolves when all is on disk, or could not be written. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.changed(true)
    while (this.#writing !== undefined) await this.#writing
  }

  #write(): void {
    if (this.#writing !== undefined) {
      this.#again = true
      return
    }
    this.#writing = this.#replace().finally(() => {
      this.#writing = undefined
      if (!this.#again) return
      this.#again = false
      this.#write()
    })
  }

  async #replace(): Promise<void> {
    const text = JSON.stringify({ format: FORMAT, revisions: this.#entries() })
    try {
      await writeFile(`${this.#path}.new`, `${text}\n`, { mode: 0o600, flush: true })
      await rename(`${this.#path}.new`, this.#path)
    } catch (error) {
      this.#logger.error('what revisions have shown could not be written', { path: this.#path, reason: messageOf(error) })
    }
  }
}

/** @throws Error where it is not what this class writes */
function entriesOf(text: string): StandingEntry[] {
  if (text.length > FILE_BYTES_MAX) throw new Error(`it has ${text.length} characters, at most ${FILE_BYTES_MAX} are read`)
  const alleged = JSON.parse(text) as { format?: unknown; revisions?: unknown }
  if (alleged.format !== FORMAT) throw new Error(`its format is ${String(alleged.format)}, not ${FORMAT}`)
  if (!Array.isArray(alleged.revisions) || alleged.revisions.length > REVISIONS_REMEMBERED_MAX)
    throw new Error(`it must have a list of at most ${REVISIONS_REMEMBERED_MAX} revisions`)
  return alleged.revisions.map((entry: unknown, index) => {
    if (!isEntry(entry)) throw new Error(`revision ${index} is not [id, standing, calls, offences]`)
    return entry
  })
}

function isEntry(alleged: unknown): alleged is StandingEntry {
  if (!Array.isArray(alleged) || alleged.length !== 4) return false
  const [id, standing, calls, offences] = alleged as unknown[]
  return typeof id === 'string' && STANDINGS.includes(standing as Standing) && isCount(calls) && isCount(offences)
}

function isCount(alleged: unknown): boolean {
  return typeof alleged === 'number' && Number.isSafeInteger(alleged) && alleged >= 0
}
