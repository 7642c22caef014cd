import type { Command } from 'commander'
import type { Order } from '../client.ts'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { UsageError } from '../errors.ts'
import { parseFunctionName } from '../lambda.ts'
import { bytesText, fields, printable, table } from '../text.ts'
import { parseInteger, parsePattern } from '../values.ts'
import { type AsyncAnswer, factsOf, REQUEST_ID, REQUEST_ID_RULE } from './result.ts'

interface Flags {
  function?: string
  all?: true
  limit?: string
  json?: true
}

const LIMIT_MAX = 1_000
const MISSING = "'peerless dead-letters list' lists them."

export function define(command: Command, context: Context): void {
  withNode(command).description('Events that were given up and had no other place to go. They are kept for 14 days.')
  defineList(command.command('list'), context)
  defineShow(command.command('show'), context)
  defineRedrive(command.command('redrive'), context)
  definePurge(command.command('purge'), context)
}

function defineList(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List them, oldest first.')
    .option('--function <name>', 'only those of one function')
    .option('--limit <n>', `how many, 1 to ${LIMIT_MAX} (default: 100)`)
    .action(async (flags: Flags) => {
      const query = {
        function: flags.function === undefined ? undefined : parseFunctionName(flags.function),
        limit: flags.limit === undefined ? undefined : String(parseInteger(flags.limit, '--limit', 1, LIMIT_MAX))
      }
      const client = await context.connect(command)
      const order = { method: 'GET' as const, path: ['v1', 'dead-letters'], query }
      const letters = listOf<AsyncAnswer>(await client.json(order, 'dead-letters list'), 'dead-letters list')
      if (flags.json) return await context.printJson(letters)
      if (letters.length === 0) return await context.note('No dead letters.\n')
      await context.print(
        table(
          letters,
          [
            { title: 'REQUEST', cell: (letter) => printable(String(letter.requestId)) },
            { title: 'FUNCTION', cell: (letter) => printable(String(letter.function)) },
            { title: 'CONDITION', cell: (letter) => printable(String(letter.condition ?? '-')) },
            { title: 'ATTEMPTS', cell: (letter) => String(letter.attempts), align: 'right' },
            { title: 'SIZE', cell: (letter) => bytesText(Number(letter.eventBytes)), align: 'right' },
            {
              title: 'SETTLED',
              cell: (letter) => (letter.settledAt === undefined ? '-' : new Date(letter.settledAt).toISOString())
            }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

function defineShow(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Print one: its event alone on stdout, the rest on stderr.')
    .argument('<id>', REQUEST_ID_RULE)
    .action(async (alleged: string, flags: Flags) => {
      const id = idOf(alleged)
      const client = await context.connect(command)
      const answer = await client.json(
        { method: 'GET', path: ['v1', 'dead-letters', id], missing: MISSING },
        `dead-letters show ${id}`
      )
      const letter = objectOf<AsyncAnswer & { event?: unknown }>(answer, 'dead-letters show')
      if (flags.json) return await context.printJson(letter)
      await context.print(`${JSON.stringify(letter.event)}\n`)
      await context.note(fields([...factsOf(letter), ['response', printable(JSON.stringify(letter.result) ?? '-')]]))
    })
}

function defineRedrive(command: Command, context: Context): void {
  withWhich(withJson(withNode(command)))
    .description('Send them again, each under a new request id, and forget the dead letters. Prints the new ids.')
    .action(async (id: string | undefined, flags: Flags) => {
      const json = whichOf(id, flags)
      const client = await context.connect(command)
      const answer = await client.json(orderOf('redrive', json), 'dead-letters redrive')
      const again = listOf<{ deadLetter: string; requestId: string }>(answer, 'dead-letters redrive')
      if (flags.json) return await context.printJson(again)
      for (const { requestId } of again) await context.print(`${printable(String(requestId))}\n`)
      await context.note(`Sent ${again.length} again.\n`)
    })
}

function definePurge(command: Command, context: Context): void {
  withWhich(withJson(withNode(command)))
    .description('Forget them for good.')
    .action(async (id: string | undefined, flags: Flags) => {
      const json = whichOf(id, flags)
      const client = await context.connect(command)
      const answer = await client.json(orderOf('purge', json), 'dead-letters purge')
      const { purged } = objectOf<{ purged?: number }>(answer, 'dead-letters purge')
      if (flags.json) return await context.printJson({ purged })
      await context.note(`Purged ${purged}.\n`)
    })
}

function orderOf(action: string, json: unknown): Order {
  return { method: 'POST', path: ['v1', 'dead-letters', action], json, missing: MISSING }
}

function withWhich(command: Command): Command {
  return command
    .argument('[id]', REQUEST_ID_RULE)
    .option('--function <name>', 'all of one function')
    .option('--all', 'all that the key may see')
}

/** @throws UsageError unless exactly one of the three says which */
function whichOf(id: string | undefined, flags: Flags): Record<string, unknown> {
  const given = [id, flags.function, flags.all].filter((value) => value !== undefined)
  if (given.length !== 1) throw new UsageError('name exactly one of: a request id, --function NAME, or --all')
  if (id !== undefined) return { requestId: idOf(id) }
  return flags.function === undefined ? { all: true } : { function: parseFunctionName(flags.function) }
}

function idOf(alleged: string): string {
  return parsePattern(alleged, 'request id', REQUEST_ID, REQUEST_ID_RULE)
}
