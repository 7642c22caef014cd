import type { Command } from 'commander'
import { type Context, withNode } from '../context.ts'
import { functionPath, parseFunctionName } from '../lambda.ts'

export function define(command: Command, context: Context): void {
  withNode(command)
    .description('Remove a function and its URL from every node of the mesh.')
    .argument('<name>', 'function name')
    .action(async (alleged: string) => {
      const name = parseFunctionName(alleged)
      const client = await context.connect(command)
      await client.json({ method: 'DELETE', path: functionPath(name) }, `rm ${name}`)
      await context.note(`Removed ${name}.\n`)
    })
}
