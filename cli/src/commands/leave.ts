import type { LeaveAnswer, LeaveOrder, LeavePlan, NodeName } from '@peerless/interface'
import type { Command } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../text.ts'
import { parsePattern } from '../values.ts'

/** To finish what runs, replicate code and hand over events takes three minutes at most, by the bounds of the node; as long again for its fronts, which go first. */
const LEAVE_MS_MAX = 360_000

interface Flags {
  /** False with --no-successor. */
  successor?: string | boolean
  yes?: true
  json?: true
}

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'End the membership of a node for good, at that node: it hands over all that it has, tells the others, and stops. Whom it let in stays. Without --yes it only says what would happen.'
    )
    .option('--yes', 'do it: there is no way back')
    .option(
      '--successor <node>',
      'who can remove from then on whom the founder let in, by name or peer id (default: the eldest member that the founder let in and that is connected)'
    )
    .option('--no-successor', 'let nobody have that right')
    .action(async (flags: Flags) => {
      const order = orderOf(flags)
      const client = await context.connect(command)
      const plan = await planOf(client, order)
      if (!flags.yes) {
        if (flags.json) await context.printJson(plan)
        else await context.note(planText(plan))
        throw new CliError('nothing was done yet', "'peerless leave --yes' does it.")
      }
      const path = ['v1', 'node', 'leave']
      const answer = await client.json({ method: 'POST', path, json: order, timeoutMs: LEAVE_MS_MAX }, 'leave')
      const { peerId, successor, told, untold, owing = [] } = objectOf<LeaveAnswer>(answer, 'leave')
      if (flags.json) return await context.printJson({ peerId, successor, told, untold, owing })
      const missed =
        untold.length === 0 ? '' : ` ${untold.length} more were connected and have not said so; they hear of it from those.`
      const lost = owing.length === 0 ? '' : ` ${owingText(owing)}, which is lost.`
      await context.note(
        `Left. ${told.length} other nodes know.${missed}${lost} The node stops now; nothing starts in its data folder any more, which can be deleted.\n`
      )
    })
}

function orderOf({ successor }: Flags): LeaveOrder {
  if (successor === false) return { successor: null }
  if (typeof successor !== 'string') return {}
  return { successor: parsePattern(successor, '--successor', /^[\w.-]{1,64}$/, 'a name or peer id of at most 64 characters') }
}

async function planOf(client: NodeClient, { successor }: LeaveOrder): Promise<LeavePlan> {
  const order = {
    method: 'GET',
    path: ['v1', 'node', 'leave'],
    missing: "'peerless peers' lists the nodes.",
    ...(successor === undefined ? {} : { query: { successor: successor ?? '' } })
  } as const
  const plan = objectOf<LeavePlan>(await client.json(order, 'leave'), 'leave')
  return {
    ...plan,
    candidates: listOf<LeavePlan['candidates'][number]>(plan.candidates, 'leave'),
    owing: listOf<NodeName>(plan.owing ?? [], 'leave')
  }
}

function named({ name, peerId }: NodeName): string {
  return `${printable(String(name))} (${printable(String(peerId))})`
}

function owingText(owing: readonly NodeName[]): string {
  return `${owing.map(named).join(', ')} ${owing.length === 1 ? 'has' : 'have'} not signed for calls that ran here`
}

function planText(plan: LeavePlan): string {
  const { members, connected, letIn, head, successor, candidates, events, deadLetters = 0, owing } = plan
  if (members === 0) {
    const lost = events + deadLetters === 0 ? '' : `, and the ${events} events that wait and ${deadLetters} dead letters`
    return `${named(plan)} is the only member of mesh ${printable(String(plan.mesh))}: when it leaves, that is gone, with its functions, its books${lost}.\n`
  }
  const lines = [
    `${named(plan)} takes no more work, finishes what runs, gives its functions, ${events} waiting events, ${deadLetters} dead letters, results and its books to the others (${connected} of ${members} are connected), and is no member any more, for ever.`,
    letIn === 0 ? 'It let nobody in.' : `The ${letIn} nodes that it let in stay; those above it can still remove them.`
  ]
  if (head) {
    lines[1] = letIn === 0 ? 'It let nobody in.' : `The ${letIn} nodes that it let in stay.`
    const others = candidates.filter(({ peerId }) => peerId !== successor?.peerId)
    lines.push(
      successor === null
        ? 'Nobody will be able to remove those that the founder let in.'
        : `${named(successor)} will be able to remove any other node, as this one is now, and nobody will be able to remove that one.`
    )
    const there = candidates.find(({ peerId }) => peerId === successor?.peerId)?.connected !== false
    if (!there) lines.push('It is not connected now: if it is gone for good, nobody will have that right.')
    const offered = others.map((one) => `${named(one)}${one.connected === false ? ' (not connected)' : ''}`)
    if (others.length > 0) lines.push(`With --successor it can be ${offered.join(', or ')} instead.`)
  }
  if (owing.length > 0) lines.push(`${owingText(owing)}: what that comes to is lost unless they are connected again before.`)
  return `${lines.join('\n')}\n`
}
