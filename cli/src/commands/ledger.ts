import { ACCOUNT_NAME, type AccountBalance, type LedgerVerification, type StatementLine } from '@peerless/interface'
import type { Command } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { readJsonLines } from '../ndjson.ts'
import { digits, printable, shortPeer, table, timeText } from '../text.ts'
import { parseMoment, parsePattern } from '../values.ts'

interface Flags {
  account?: string
  from?: string
  to?: string
  json?: true
}

/** Verifying re-reads every entry from disk. */
const VERIFY_TIMEOUT_MS = 600_000

export function define(command: Command, context: Context): void {
  withNode(command).description('What ran is charged: the balances of all accounts, itemised statements, and the proof of both.')
  defineBalance(command.command('balance'), context)
  defineStatement(command.command('statement'), context)
  defineVerify(command.command('verify'), context)
}

function withAccount(command: Command): Command {
  return command.option('--account <name>', 'only this account')
}

function defineBalance(command: Command, context: Context): void {
  withAccount(withJson(withNode(command)))
    .description(
      'Balances in integer units, ordered by account: what was earned less what was spent, ever or in a time. All of them sum to zero.'
    )
    .option('--from <when>', 'only of what ran from this time on, as in ledger statement')
    .option('--to <when>', 'only of what ran before this time')
    .action(async (flags: Flags) => {
      const now = context.host.now()
      const { from, to } = timeOf(flags, now)
      const query = { account: accountOf(flags), from: from?.toString(), to: to?.toString() }
      const client = await context.connect(command)
      const order = { method: 'GET', path: ['v1', 'ledger', 'balance'], query } as const
      const { value, headers } = await client.jsonWithHeaders(order, 'ledger balance')
      const balances = listOf<AccountBalance>(value, 'ledger balance')
      const kept = Number(headers['x-peerless-itemised-from'] ?? 0)
      const isBounded = from !== undefined || to !== undefined
      if (isBounded && kept > (from ?? 0) && kept < (to ?? now)) await context.note(`${itemisedFrom(kept)}\n`)
      if (flags.json) return await context.printJson(balances)
      await context.print(
        table(
          balances,
          [
            { title: 'ACCOUNT', cell: (row) => String(row.account) },
            { title: 'BALANCE', cell: (row) => digits(String(row.balance)), align: 'right' }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

/** @throws UsageError */
function timeOf(flags: Flags, now: number): { from: number | undefined; to: number | undefined } {
  const from = flags.from === undefined ? undefined : parseMoment(flags.from, '--from', now)
  const to = flags.to === undefined ? undefined : parseMoment(flags.to, '--to', now)
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`--from ${flags.from} must lie before --to ${flags.to}`)
  }
  return { from, to }
}

function defineStatement(command: Command, context: Context): void {
  withAccount(withJson(withNode(command)))
    .description('One line per attempt that ran, in time order.')
    .option('--from <when>', 'from this time on: 2026-05-01T12:00:00Z, epoch milliseconds, or a duration ago such as 1h')
    .option('--to <when>', 'before this time')
    .action(async (flags: Flags) => {
      const now = context.host.now()
      const { from, to } = timeOf(flags, now)
      const client = await context.connect(command)
      const read = await openStatement(client, { account: accountOf(flags), from, to })
      if (!flags.json) await context.print(context.host.style('bold', statementHead()))
      const { lines, total, kept } = await read((text, line) => context.print(flags.json ? `${text}\n` : statementText(line)))
      if (kept > (from ?? 0) && kept < (to ?? now)) await context.note(`${itemisedFrom(kept)}\n`)
      if (!flags.json) await context.note(`${digits(lines)} lines, ${digits(total)} units\n`)
    })
}

interface Part {
  account: string | undefined
  from: number | undefined
  to: number | undefined
}

type EachLine = (text: string, line: StatementLine) => Promise<void> | void

/**
 * Resolves when the node answers, with what reads on: line by line, for a statement may be longer than anyone would hold in memory. `kept`: from when on all are there.
 * @throws CliError, both
 */
async function openStatement(
  client: NodeClient,
  { account, from, to }: Part
): Promise<(each: EachLine) => Promise<{ lines: number; total: bigint; kept: number }>> {
  const query = { account, from: from?.toString(), to: to?.toString() }
  const stream = await client.stream({ method: 'GET', path: ['v1', 'ledger', 'statement'], query }, 'ledger statement')
  return async (each) => {
    let lines = 0
    let total = 0n
    try {
      for await (const { text, value } of readJsonLines(stream, 'ledger statement')) {
        lines++
        if (Number.isSafeInteger(value.charge)) total += BigInt(value.charge as number)
        await each(text, value as unknown as StatementLine)
      }
    } catch (error) {
      if (error instanceof CliError) throw error
      throw new CliError(
        `ledger statement: broke off after ${lines} lines: ${(error as Error).message}`,
        'Run the command again.'
      )
    }
    return { lines, total, kept: Number(stream.headers['x-peerless-itemised-from'] ?? 0) }
  }
}

/** Fixed widths: a statement may be longer than anyone would hold in memory to measure it. */
const STATEMENT_COLUMNS: readonly [title: string, width: number, right: boolean, cell: (line: StatementLine) => string][] = [
  ['TIME', 24, false, (line) => timeText(Number(line.time))],
  ['REQUEST', 36, false, (line) => String(line.requestId)],
  ['TRY', 3, true, (line) => String(line.attempt)],
  ['ACCOUNT', 16, false, (line) => String(line.account)],
  ['FUNCTION', 24, false, (line) => `${line.function}:${line.version}`],
  ['CALLER', 9, false, (line) => shortPeer(String(line.caller))],
  ['EXECUTOR', 9, false, (line) => shortPeer(String(line.executor))],
  ['MS', 10, true, (line) => Number(line.durationMs).toFixed(2)],
  ['BILLED', 7, true, (line) => String(line.billedMs)],
  ['MB', 5, true, (line) => String(line.memoryMb)],
  ['STATUS', 7, false, (line) => String(line.status)],
  ['CHARGE', 12, true, (line) => digits(line.charge)],
  [
    'NOTES',
    0,
    false,
    (line) => [line.cold ? 'cold' : '', line.selfAttested ? 'self-attested' : ''].filter((note) => note !== '').join(', ')
  ]
]

/** A statement that is asked for an earlier time lacks what is older; who adds up its lines must know. */
function itemisedFrom(epochMs: number): string {
  return `receipts are kept from ${timeText(epochMs)} on; older ones are in the balances alone`
}

function statementHead(): string {
  return `${STATEMENT_COLUMNS.map(([title, width, right]) => (right ? title.padStart(width) : title.padEnd(width))).join('  ')}\n`
}

function statementText(line: StatementLine): string {
  const cells = STATEMENT_COLUMNS.map(([, width, right, cell]) => {
    const text = printable(cell(line)).replaceAll(/[\n\t]/g, ' ')
    return right ? text.padStart(width) : text.padEnd(width)
  })
  return `${cells.join('  ').trimEnd()}\n`
}

function defineVerify(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Check every signature, hash and sum again from the raw entries. Exits 1 at the first that fails.')
    .option('--account <name>', 'say then what the lines of this account come to')
    .option('--from <when>', 'say then what the lines from this time on come to, as in ledger statement')
    .option('--to <when>', 'say then what the lines before this time come to')
    .action(async (flags: Flags) => {
      const part = { account: accountOf(flags), ...timeOf(flags, context.host.now()) }
      const client = await context.connect(command)
      const answer = await client.json(
        { method: 'GET', path: ['v1', 'ledger', 'verify'], timeoutMs: VERIFY_TIMEOUT_MS },
        'ledger verify'
      )
      const found = objectOf<LedgerVerification>(answer, 'ledger verify')
      const valid = found.ok === true
      if (!valid) context.exitCode = 1
      const isPart = Object.values(part).some((value) => value !== undefined)
      const sum = valid && isPart ? await (await openStatement(client, part))(() => undefined) : undefined
      if (flags.json) {
        const added = sum === undefined ? {} : { statement: { ...part, lines: sum.lines, charge: String(sum.total) } }
        return await context.printJson({ ...found, ...added })
      }
      const counts = `${digits(found.lanes)} lanes, ${digits(found.statements)} statements, ${digits(found.receipts)} receipts`
      const repeated = Number(found.repeated ?? 0)
      if (valid && repeated > 0)
        await context.note(
          `${digits(repeated)} attempts were charged twice: two nodes called them, each in its part of a mesh that was in two\n`
        )
      if (valid && Number(found.itemisedFrom ?? 0) > 0) await context.note(`${itemisedFrom(Number(found.itemisedFrom))}\n`)
      if (valid) await context.print(`${context.host.style('green', 'valid:')} ${counts}\n`)
      if (sum !== undefined) await context.print(`${digits(sum.lines)} lines as asked, ${digits(sum.total)} units\n`)
      if (valid) return
      throw new CliError(
        `the ledger does not verify: ${printable(String(found.failure ?? 'no reason given'))} (${counts})`,
        'Keep a copy of the data folder: it is the evidence. Compare with the same command at another node.'
      )
    })
}

function accountOf(flags: Flags): string | undefined {
  if (flags.account === undefined) return undefined
  return parsePattern(flags.account, '--account', ACCOUNT_NAME, "1 to 64 letters, digits, '-', '_' or '.'")
}
