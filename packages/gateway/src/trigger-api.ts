import { FUNCTION_NAME, LIMITS, PeerlessError, QUALIFIER, type TriggerStatus, type Triggers } from '@peerless/interface'
import { z } from 'zod'
import { checked } from './api-body.ts'
import type { ApiCall, ApiOperation } from './api-call.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'

/** Shapes only; the rules of expressions and zones are those of packages/events. */
const SCHEDULE = z.strictObject({
  type: z.literal('schedule'),
  name: z.string().max(128),
  function: z.string().regex(FUNCTION_NAME, "must be 1 to 64 letters, digits, '-' or '_'"),
  qualifier: z.string().regex(QUALIFIER, 'must be $LATEST, a version number or an alias').optional(),
  expression: z.string().max(256),
  timezone: z.string().max(64).optional(),
  windowMinutes: z.number().optional(),
  input: z.unknown().optional(),
  missed: z.enum(['skip', 'one']).optional(),
  startAt: z.number().optional(),
  endAt: z.number().optional(),
  paused: z.boolean().optional()
})

/** What makes invocations by itself, under /v1/triggers. */
export function triggerOperations(context: GatewayContext): Record<string, ApiOperation> {
  const change = (
    name: string,
    action: string,
    run: (triggers: Triggers, call: ApiCall) => Promise<TriggerStatus>
  ): ApiOperation => ({
    name,
    bodyBytesMax: 0,
    async run(call) {
      const triggers = triggersOf(context)
      owned(triggers, call, action)
      call.json(200, answerOf(await run(triggers, call)))
    }
  })
  return {
    'GET /v1/triggers': {
      name: 'triggers',
      bodyBytesMax: 0,
      run(call) {
        mayDeploy(call.key, 'list triggers')
        const seen = triggersOf(context)
          .list()
          .filter(({ trigger }) => call.key.role === 'admin' || trigger.account === call.key.account)
        call.json(200, seen.map(answerOf))
      }
    },
    'POST /v1/triggers': {
      name: 'triggers',
      bodyBytesMax: LIMITS.catalogEntryBytesMax,
      async run(call) {
        mayDeploy(call.key, 'add triggers')
        const { type: _, function: functionName, input, ...order } = checked(SCHEDULE, call)
        const record = context.catalog.get('function', functionName)
        if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${functionName}' in this mesh`)
        mayManage(call.key, record, 'add triggers')
        const text = input === undefined ? undefined : JSON.stringify(input)
        call.json(201, answerOf(await triggersOf(context).addSchedule({ ...order, functionName, input: text })))
      }
    },
    'GET /v1/triggers/*': {
      name: 'trigger',
      bodyBytesMax: 0,
      run: (call) => call.json(200, answerOf(owned(triggersOf(context), call, 'show triggers')))
    },
    'DELETE /v1/triggers/*': {
      name: 'trigger',
      bodyBytesMax: 0,
      async run(call) {
        const triggers = triggersOf(context)
        owned(triggers, call, 'remove triggers')
        await triggers.remove(call.name)
        call.json(204, undefined)
      }
    },
    'POST /v1/triggers/*/pause': change('pause', 'pause triggers', (triggers, call) => triggers.setPaused(call.name, true)),
    'POST /v1/triggers/*/resume': change('resume', 'resume triggers', (triggers, call) => triggers.setPaused(call.name, false))
  }
}

function triggersOf({ triggers }: GatewayContext): Triggers {
  if (triggers === undefined) throw new PeerlessError('UNAVAILABLE', 'this node has no triggers')
  return triggers
}

function owned(triggers: Triggers, call: ApiCall, action: string): TriggerStatus {
  mayDeploy(call.key, action)
  const status = triggers.get(call.name)
  if (status === undefined || (call.key.role !== 'admin' && status.trigger.account !== call.key.account))
    throw new PeerlessError('NOT_FOUND', `there is no trigger '${call.name.slice(0, 64)}' in this mesh`)
  return status
}

function answerOf({ trigger, nextAt, owner }: TriggerStatus): Record<string, unknown> {
  const { functionName, input, ...rest } = trigger
  return { ...rest, function: functionName, ...(input === undefined ? {} : { input: JSON.parse(input) }), nextAt, owner }
}
