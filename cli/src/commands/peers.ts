import type { Command } from 'commander'
import { type Context, withJson, withNode } from '../context.ts'
import { listPeers, PEER_COLUMNS } from '../mesh-api.ts'
import { table } from '../text.ts'

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
    })
}
