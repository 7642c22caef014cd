import { LATEST } from '@peerless/interface'
import type { Command } from 'commander'
import { type Context, objectOf, withJson, withNode } from '../context.ts'
import { ApiError, UsageError } from '../errors.ts'
import { functionPath, parseFunctionName } from '../lambda.ts'
import { type AliasConfiguration, listAliases, splitText } from '../qualifiers.ts'
import { table } from '../text.ts'
import { parsePattern, short } from '../values.ts'

interface SetFlags {
  split?: string
  description?: string
  json?: true
}

export function define(command: Command, context: Context): void {
  withNode(command).description('Names that lead to a version of a function, or split its calls between two.')
  defineSet(command.command('set'), context)
  defineList(command.command('ls'), context)
  defineRemove(command.command('rm'), context)
}

function defineSet(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Lead an alias to a version, or to another one than before. It is made where it is not there.')
    .argument('<name:alias>', 'such as hello:live')
    .argument('<version>', 'a number, or $LATEST')
    .option('--split <version=percent>', 'so many of 100 calls go to this version instead; without it none do')
    .option('--description <text>', 'what the alias is for')
    .action(async (alleged: string, version: string, flags: SetFlags) => {
      const { name, alias } = parseAlias(alleged)
      parsePattern(version, 'version', VERSION, 'a version number, or $LATEST')
      const json = {
        FunctionVersion: version,
        RoutingConfig: { AdditionalVersionWeights: flags.split === undefined ? {} : parseSplit(flags.split) },
        ...(flags.description === undefined ? {} : { Description: flags.description })
      }
      const client = await context.connect(command)
      const update = { method: 'PUT', path: functionPath(name, 'aliases', alias), json } as const
      const create = { method: 'POST', path: functionPath(name, 'aliases'), json: { Name: alias, ...json } } as const
      const answer = await client.json(update, alleged).catch(async (error) => {
        if (!isRefusal(error, 404)) throw error
        // What is not there can be the alias, or a version that it shall lead to: where there is such an alias already, the first answer says it.
        return await client.json(create, alleged).catch((second) => {
          throw isRefusal(second, 409) ? error : second
        })
      })
      const made = objectOf<AliasConfiguration>(answer, alleged)
      if (flags.json) return await context.printJson(made)
      await context.note(`${name}:${alias} leads to ${splitText(made)}.\n`)
    })
}

function defineList(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List the aliases of a function.')
    .argument('<name>', 'function name')
    .action(async (alleged: string, flags: { json?: true }) => {
      const aliases = await listAliases(await context.connect(command), parseFunctionName(alleged))
      if (flags.json) return await context.printJson(aliases)
      await context.print(
        table(
          aliases,
          [
            { title: 'ALIAS', cell: (row) => String(row.Name) },
            { title: 'VERSION', cell: splitText },
            { title: 'DESCRIPTION', cell: (row) => row.Description || '-' }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

function defineRemove(command: Command, context: Context): void {
  withNode(command)
    .description('Remove an alias, and what is set for it: its URL, its permissions, its asynchronous settings.')
    .argument('<name:alias>', 'such as hello:live')
    .action(async (alleged: string) => {
      const { name, alias } = parseAlias(alleged)
      const client = await context.connect(command)
      // The API forgives an alias that is not there; a person who mistyped wants to hear of it.
      const path = functionPath(name, 'aliases', alias)
      await client.json({ method: 'GET', path, missing: `'peerless alias ls ${name}' lists them.` }, alleged)
      await client.json({ method: 'DELETE', path }, alleged)
      await context.note(`Removed ${name}:${alias}.\n`)
    })
}

function isRefusal(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status
}

const VERSION = /^(?:\$LATEST|[1-9]\d{0,9})$/
/** AWS: letters, digits, '-' and '_', not digits alone. */
const ALIAS = /^(?!\d+$)[a-zA-Z0-9_-]{1,128}$/

/** @throws UsageError */
function parseAlias(alleged: string): { name: string; alias: string } {
  const mark = alleged.indexOf(':')
  if (mark < 0) throw new UsageError(`'${short(alleged)}' must be NAME:ALIAS, such as hello:live`)
  const name = parseFunctionName(alleged.slice(0, mark))
  const rule = "1 to 128 letters, digits, '-' or '_', not digits alone"
  return { name, alias: parsePattern(alleged.slice(mark + 1), 'alias', ALIAS, rule) }
}

/** `2=10` or `2=0.5%` → the weight of version 2. @throws UsageError */
function parseSplit(alleged: string): Record<string, number> {
  const [, version, percent] = /^([^=]+)=(\d{1,3}(?:\.\d{1,4})?)%?$/.exec(alleged) ?? []
  if (version === undefined || !VERSION.test(version) || version === LATEST || !(Number(percent) <= 100))
    throw new UsageError(`--split '${short(alleged)}' must be VERSION=PERCENT, a version number and 0 to 100, such as 2=10`)
  return { [version]: Number(percent) / 100 }
}
