import type { DrainAnswer } from '@peerless/interface'
import type { Command } from 'commander'
import { type Context, objectOf, withJson, withNode } from '../context.ts'

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Take the work off a node, which goes on running: it takes nothing new from the others, and sends on to them what its own clients bring. Until --off, or its next start.'
    )
    .option('--off', 'let it work again')
    .action(async (flags: { off?: true; json?: true }) => {
      const client = await context.connect(command)
      const method = flags.off ? 'DELETE' : 'PUT'
      const answer = await client.json({ method, path: ['v1', 'node', 'drain'] }, 'drain')
      const { draining, inFlight, takers } = objectOf<DrainAnswer>(answer, 'drain')
      if (flags.json) return await context.printJson({ draining, inFlight, takers })
      if (!draining) return await context.note('It takes work again.\n')
      const others =
        Number(takers) === 0
          ? 'No other node takes work, so calls that come here are refused'
          : `What comes here goes to ${Number(takers)} other${Number(takers) === 1 ? '' : 's'}`
      await context.note(
        `Draining: ${Number(inFlight)} requests are under way here still. ${others}. 'peerless drain --off' lets it work again.\n`
      )
    })
}
