import type { Command } from 'commander'
import { type Context, objectOf, withJson, withNode } from '../context.ts'
import { fields, printable } from '../text.ts'
import { parsePattern } from '../values.ts'

export const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const REQUEST_ID_RULE = "a request id: a UUID in lower case, as 'peerless invoke --async' prints it"

const MISSING = "'peerless logs NAME' may show what became of it; 'peerless peers' who is not connected."

/** A result as GET /v1/async/ID answers it; alleged. */
export interface AsyncAnswer {
  requestId?: string
  function?: string
  status?: string
  condition?: string
  attempts?: number
  acceptedAt?: number
  settledAt?: number
  executedVersion?: string
  functionError?: string
  result?: unknown
  owner?: string
  eventBytes?: number
}

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Print how an asynchronous call ended: its result alone on stdout, the rest on stderr. Exits 1 when it failed, was given up, or waits still.'
    )
    .argument('<id>', REQUEST_ID_RULE)
    .action(async (alleged: string, flags: { json?: true }) => {
      const id = parsePattern(alleged, 'request id', REQUEST_ID, REQUEST_ID_RULE)
      const client = await context.connect(command)
      const answer = objectOf<AsyncAnswer>(
        await client.json({ method: 'GET', path: ['v1', 'async', id], missing: MISSING }, `result ${id}`),
        'result'
      )
      if (answer.status !== 'succeeded') context.exitCode = 1
      if (flags.json) return await context.printJson(answer)
      if (answer.result !== undefined) await context.print(`${JSON.stringify(answer.result)}\n`)
      await context.note(fields(factsOf(answer)))
    })
}

export function factsOf(answer: AsyncAnswer): [string, string][] {
  const time = (at: number | undefined) => (Number.isFinite(at) ? new Date(at as number).toISOString() : '-')
  return [
    ['request', printable(String(answer.requestId))],
    ['function', printable(String(answer.function))],
    ['status', printable([answer.status, answer.condition].filter((word) => word !== undefined).join(', '))],
    ['attempts', String(answer.attempts)],
    ['accepted', time(answer.acceptedAt)],
    ['settled', time(answer.settledAt)]
  ]
}
