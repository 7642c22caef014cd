import type { Command } from 'commander'
import { type Context, objectOf, withJson, withNode } from '../context.ts'
import { type FunctionConfiguration, functionPath, parseFunctionName } from '../lambda.ts'
import { type AliasConfiguration, listAliases, listVersions } from '../qualifiers.ts'
import { bytesText, table } from '../text.ts'

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'List the versions of a function, with the aliases that lead to them. JSON: the FunctionConfiguration list of the Lambda API.'
    )
    .argument('<name>', 'function name')
    .option('--publish', 'first make a version of what $LATEST is now; nothing is made where nothing changed')
    .option('--description <text>', 'of the version that is published')
    .action(async (alleged: string, flags: { publish?: true; description?: string; json?: true }) => {
      const name = parseFunctionName(alleged)
      const client = await context.connect(command)
      if (flags.publish === true) {
        const json = flags.description === undefined ? {} : { Description: flags.description }
        const order = { method: 'POST', path: functionPath(name, 'versions'), json } as const
        const made = objectOf<FunctionConfiguration>(await client.json(order, name), name)
        await context.note(`${name}:${made.Version} is what $LATEST is now.\n`)
      }
      const versions = await listVersions(client, name)
      if (flags.json) return await context.printJson(versions)
      const aliases = await listAliases(client, name)
      await context.print(
        table(
          versions,
          [
            { title: 'VERSION', cell: (row) => String(row.Version) },
            { title: 'ALIASES', cell: (row) => aliasesOf(aliases, String(row.Version)) },
            { title: 'MEMORY', cell: (row) => `${row.MemorySize} MB`, align: 'right' },
            { title: 'TIMEOUT', cell: (row) => `${row.Timeout} s`, align: 'right' },
            { title: 'SIZE', cell: (row) => bytesText(Number(row.CodeSize)), align: 'right' },
            { title: 'MODIFIED', cell: (row) => String(row.LastModified ?? '-') },
            { title: 'SHA256', cell: (row) => String(row.CodeSha256 ?? '-').slice(0, 12) },
            { title: 'DESCRIPTION', cell: (row) => row.Description || '-' }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

/** Those that lead there at all, the share aside: `peerless alias ls` has it. */
function aliasesOf(aliases: readonly AliasConfiguration[], version: string): string {
  const names = aliases.filter(({ FunctionVersion, RoutingConfig }) => {
    return FunctionVersion === version || Object.hasOwn(RoutingConfig?.AdditionalVersionWeights ?? {}, version)
  })
  return names.map(({ Name }) => Name).join(', ') || '-'
}
