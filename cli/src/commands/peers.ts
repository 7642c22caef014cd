import type { RemovalAnswer } from '@peerless/interface'
import type { Command } from 'commander'
import { type Context, objectOf, withJson, withNode } from '../context.ts'
import { listPeers, PEER_COLUMNS } from '../mesh-api.ts'
import { printable, table } from '../text.ts'
import { parsePattern } from '../values.ts'

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List the nodes of the mesh as the node sees them.')
    .action(async (flags: { json?: true }) => {
      const peers = await listPeers(await context.connect(command))
      if (flags.json) return await context.printJson(peers)
      const columns = [
        ...PEER_COLUMNS,
        { title: 'ADDRESSES', cell: (peer: (typeof peers)[0]) => [peer.addresses ?? []].flat().join(' ') }
      ]
      await context.print(table(peers, columns, (line) => context.host.style('bold', line)))
      const refusing = peers.filter(({ refusal }) => refusal !== undefined)
      const [first] = refusing
      if (first !== undefined)
        await context.note(
          `${refusing.length} of them ${refusing.length === 1 ? 'refuses' : 'refuse'} this node: ${printable(String(first.refusal))}\n`
        )
    })
  defineRemove(command.command('remove'), context)
}

function defineRemove(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Remove a machine from the mesh for ever, at the node that invited it or one above that: no node talks to it any more. What it deployed stays.'
    )
    .argument('<node>', 'its name or peer id')
    .option('--with-invited', 'also the machines that it invited, and those that they did')
    .action(async (alleged: string, flags: { withInvited?: true; json?: true }) => {
      const node = parsePattern(alleged, 'node', /^[\w.-]{1,64}$/, 'a name or peer id of at most 64 characters')
      const client = await context.connect(command)
      const answer = await client.json(
        {
          method: 'DELETE',
          path: ['v1', 'peers', node],
          missing: "'peerless peers' lists them.",
          ...(flags.withInvited ? { query: { invited: '1' } } : {})
        },
        `peers remove ${node}`
      )
      const { removed } = objectOf<RemovalAnswer>(answer, 'peers remove')
      if (flags.json) return await context.printJson({ removed })
      await context.print(
        [removed]
          .flat()
          .map((peerId) => `${printable(String(peerId))}\n`)
          .join('')
      )
      await context.note(
        `Removed ${node}. It has seen the access keys and the functions' variables of this mesh: where it is in the wrong hands, 'peerless keys rotate --all' makes new keys.\n`
      )
    })
}
