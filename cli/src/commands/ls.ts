import type { Command } from 'commander'
import { type Context, withJson, withNode } from '../context.ts'
import { listFunctions } from '../lambda.ts'
import { bytesText, table } from '../text.ts'

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List the functions of the mesh that the key may see. JSON: the FunctionConfiguration list of the Lambda API.')
    .action(async (flags: { json?: true }) => {
      const functions = await listFunctions(await context.connect(command))
      if (flags.json) return await context.printJson(functions)
      if (functions.length === 0) return await context.note("No functions yet. Deploy one: 'peerless deploy PATH'.\n")
      await context.print(
        table(
          functions,
          [
            { title: 'NAME', cell: (row) => String(row.FunctionName) },
            { title: 'VERSION', cell: (row) => String(row.Version) },
            { title: 'RUNTIME', cell: (row) => String(row.Runtime ?? '-') },
            { title: 'MEMORY', cell: (row) => `${row.MemorySize} MB`, align: 'right' },
            { title: 'TIMEOUT', cell: (row) => `${row.Timeout} s`, align: 'right' },
            { title: 'SIZE', cell: (row) => bytesText(Number(row.CodeSize)), align: 'right' },
            { title: 'MODIFIED', cell: (row) => String(row.LastModified ?? '-') }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}
