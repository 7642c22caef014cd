import { INVITE_USES_MAX, type PeerStatus } from '@peerless/interface'
import { type Command, Option } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, objectOf, withJson, withNode } from '../context.ts'
import { UsageError } from '../errors.ts'
import { listPeers } from '../mesh-api.ts'
import { accountOf, parseDuration, parseInteger, short } from '../values.ts'

const TTL_DAYS_MAX = 30

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Print one invite token, alone on stdout. It lets a machine join the mesh, or its holder deploy or invoke.')
    .addOption(
      new Option('--role <role>', 'what the token gives: a node joins with it, a deployer or invoker gets a key')
        .choices(['node', 'deployer', 'invoker'])
        .default('node')
    )
    .option('--ttl <duration>', `how long it is good for, such as 30m or 1h, at most ${TTL_DAYS_MAX}d`, '1h')
    .option('--uses <n>', `how many times it can be used, 1 to ${INVITE_USES_MAX}`, '1')
    .option('--account <name>', 'whose the keys of deployers and invokers are (default: that of the key that invites)')
    .action(async (flags: { role: string; ttl: string; uses: string; account?: string; json?: true }) => {
      const ttlSeconds = parseTtl(flags.ttl)
      const uses = parseInteger(flags.uses, '--uses', 1, INVITE_USES_MAX)
      const account = accountOf(flags)
      if (flags.role === 'node' && flags.account !== undefined)
        throw new UsageError('--account is of deployers and invokers: a node is an account of its own')
      const client = await context.connect(command)
      const answer = await client.json(
        { method: 'POST', path: ['v1', 'invites'], json: { role: flags.role, ttlSeconds, uses, ...account } },
        'invite'
      )
      const { token } = objectOf<{ token: string }>(answer, 'invite')
      if (flags.json) await context.printJson({ token })
      else await context.print(`${token}\n`)
      if (flags.role === 'node') await warnOfLoopback(client, context)
      else await context.note(`Whoever has it makes a key of it: peerless keys redeem TOKEN --node ${client.access.origin}\n`)
    })
}

/** A node makes none that is good for longer. @throws UsageError */
function parseTtl(alleged: string): number {
  const ms = parseDuration(alleged, '--ttl')
  if (ms > TTL_DAYS_MAX * 86_400_000) throw new UsageError(`--ttl '${short(alleged)}' must be at most ${TTL_DAYS_MAX}d`)
  return Math.max(1, Math.round(ms / 1_000))
}

/** The token carries the node's addresses: a machine elsewhere would dial itself, and learn only that nobody answers. */
async function warnOfLoopback(client: NodeClient, context: Context): Promise<void> {
  let peers: PeerStatus[]
  try {
    peers = await listPeers(client)
  } catch {
    // The token is good and printed; only the advice is lost.
    return
  }
  const addresses = peers.find((peer) => peer.self)?.addresses
  if (!Array.isArray(addresses) || addresses.length === 0) return
  if (!addresses.every((address) => /^\/(?:ip4\/127\.|ip6\/::1\/)/.test(String(address)))) return
  await context.note(
    "note: this node listens on loopback only, so the token works on this machine alone.\nFor other machines start it with 'peerless up --listen /ip4/ADDRESS/tcp/PORT' and invite again.\n"
  )
}
