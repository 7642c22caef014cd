import type { AccountBalance, StatementLine } from '@peerless/interface'
import type { CommandMap, StatementPage } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { bufferOf, type Kind, ROW_BYTES, readRow, unitsOf } from './receipt-row.ts'
import { decodeBody } from './statement.ts'

export interface LineFilter {
  account?: string
  from?: number
  to?: number
}

export type ReadPage = (place: CommandMap['page']['in']) => Promise<StatementPage>

/** Times are stored in 48 bits. */
const TIME_END = 2 ** 48

/** What every account earned less what it spent by the receipts of a time, ordered by account; without those with neither. Sums to zero. */
export async function sumsOf(
  { from = 0, to = TIME_END }: Omit<LineFilter, 'account'>,
  readPage: ReadPage
): Promise<AccountBalance[]> {
  const sums = new Map<string, bigint>()
  const add = (account: string, units: bigint) => sums.set(account, (sums.get(account) ?? 0n) + units)
  let place = { timeMin: -1, id: 0 }
  for (;;) {
    const page = await readPage({ ...place, fromMs: Math.max(0, from - LEDGER_LIMITS.spanMsMax), toMs: to })
    for (const statement of page.statements) {
      place = { timeMin: statement.timeMin, id: statement.id }
      if (statement.rows.length === 0) continue
      const { kinds, tariff, payee } = decodeBody(statement.body)
      const rows = bufferOf(statement.rows)
      for (let index = 0; index < rows.length / ROW_BYTES; index++) {
        const row = readRow(rows, index)
        if (row.time < Math.max(from, page.itemisedFrom) || row.time >= to) continue
        const charge = BigInt(unitsOf(row.durationUs, row.memoryMb, tariff))
        add((kinds[row.kind] as Kind).account, -charge)
        add(payee, charge)
      }
    }
    if (!page.more) break
  }
  return [...sums.keys()].sort().map((account) => ({ account, balance: String(sums.get(account)) }))
}

/**
 * Lines in order of (time, request, attempt) out of statements in order of their first receipt: a line may go out when no statement to come
 * can begin before it. The bound on a statement's span bounds what waits.
 */
export async function* linesOf(filter: LineFilter, readPage: ReadPage): AsyncGenerator<StatementLine> {
  const from = filter.from ?? 0
  const to = filter.to ?? TIME_END
  let waiting: StatementLine[] = []
  let place = { timeMin: -1, id: 0 }
  for (;;) {
    const page = await readPage({ ...place, fromMs: Math.max(0, from - LEDGER_LIMITS.spanMsMax), toMs: to })
    for (const statement of page.statements) {
      place = { timeMin: statement.timeMin, id: statement.id }
      addLines(waiting, statement.body, statement.rows, filter.account, Math.max(from, page.itemisedFrom), to)
    }
    waiting.sort(inOrder)
    // A statement to come begins at `place.timeMin` or later.
    const ready = page.more ? waiting.findIndex((line) => line.time >= place.timeMin) : waiting.length
    const count = ready < 0 ? waiting.length : ready
    for (let index = 0; index < count; index++) yield waiting[index] as StatementLine
    if (!page.more) return
    waiting = waiting.slice(count)
  }
}

function addLines(
  lines: StatementLine[],
  body: Uint8Array,
  bytes: Uint8Array,
  account: string | undefined,
  from: number,
  to: number
): void {
  if (bytes.length === 0) return
  const decoded = decodeBody(body)
  if (account !== undefined && !decoded.kinds.some((kind) => kind.account === account)) return
  const rows = bufferOf(bytes)
  const { caller, executor, tariff } = decoded
  for (let index = 0; index < rows.length / ROW_BYTES; index++) {
    const row = readRow(rows, index)
    const kind = decoded.kinds[row.kind] as Kind
    if (row.time < from || row.time >= to || (account !== undefined && kind.account !== account)) continue
    const charge = unitsOf(row.durationUs, row.memoryMb, tariff)
    lines.push({
      requestId: row.requestId,
      attempt: row.attempt,
      time: row.time,
      account: kind.account,
      function: kind.functionName,
      version: kind.version,
      caller,
      executor,
      durationMs: row.durationUs / 1_000,
      billedMs: Math.max(1, Math.ceil(row.durationUs / 1_000 / tariff.incrementMs)) * tariff.incrementMs,
      memoryMb: row.memoryMb,
      cold: row.cold,
      status: row.status,
      charge,
      selfAttested: caller === executor
    })
  }
}

function inOrder(a: StatementLine, b: StatementLine): number {
  if (a.time !== b.time) return a.time - b.time
  if (a.requestId !== b.requestId) return a.requestId < b.requestId ? -1 : 1
  return a.attempt - b.attempt
}
