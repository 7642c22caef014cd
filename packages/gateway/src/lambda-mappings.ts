import { type EventSourceMappingRecord, functionArn, PeerlessError } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { checkSource, KAFKA, rulesOf, settingsFor, sourceOf } from './lambda-mapping-rules.ts'
import { Members } from './lambda-members.ts'
import { pageOf } from './lambda-paging.ts'
import { tagsOf } from './lambda-tags.ts'
import { mustBeThere, resourceMissing, targetOf } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { MAPPINGS_LISTED_MAX } from './limits.ts'
import { mayDeploy, mayManage } from './roles.ts'

type State = 'Creating' | 'Enabling' | 'Enabled' | 'Disabling' | 'Disabled' | 'Updating' | 'Deleting'

/** Event source mappings: where records come from. Here is their life; what polls is packages/events. */
export function mappingHandlers(context: LambdaContext): Handlers {
  const { catalog, region, accountId } = context
  const functionOf = (request: LambdaRequest, action: string, alleged: string) => {
    const target = targetOf(context, request.call, alleged, undefined)
    if (target.record === undefined) throw invalid('Function does not exist')
    mayManage(request.call.key, target.record, `lambda:${action}`)
    const { name, qualifier } = mustBeThere(context, target)
    return { name, qualifier, account: target.record.account }
  }
  const shown = (mapping: EventSourceMappingRecord, state?: State) => ({
    ...(JSON.parse(mapping.settings) as Record<string, unknown>),
    UUID: mapping.uuid,
    FunctionArn: functionArn(region, accountId, mapping.functionName, mapping.qualifier),
    LastModified: mapping.modifiedAt / 1_000,
    LastProcessingResult: mapping.lastResult,
    State: state ?? (mapping.enabled ? 'Enabled' : 'Disabled'),
    StateTransitionReason: isKafka(mapping) ? 'USER_INITIATED' : 'User action',
    EventSourceMappingArn: `arn:aws:lambda:${region}:${accountId}:event-source-mapping:${mapping.uuid}`
  })
  const existing = (request: LambdaRequest, action: string): EventSourceMappingRecord => {
    const { key } = request.call
    mayDeploy(key, `lambda:${action}`)
    const uuid = request.input.required('UUID').toLowerCase()
    const mapping = catalog.get('mapping', uuid)
    if (mapping === undefined || (key.role !== 'admin' && key.account !== mapping.account)) throw resourceMissing()
    return mapping
  }

  return {
    async CreateEventSourceMapping(request) {
      const { call, input } = request
      mayDeploy(call.key, 'lambda:CreateEventSourceMapping')
      checkSource(input)
      const target = functionOf(request, 'CreateEventSourceMapping', input.required('FunctionName'))
      const uuid = context.random.uuid()
      const settings = settingsFor(input, undefined, uuid)
      const now = context.clock.now()
      const mapping: EventSourceMappingRecord = {
        uuid,
        account: target.account,
        functionName: target.name,
        qualifier: target.qualifier,
        enabled: input.flag('Enabled') ?? true,
        createdAt: now,
        modifiedAt: now,
        lastResult: 'No records processed',
        tags: tagsOf(input.map('Tags') ?? {}),
        settings: JSON.stringify(settings)
      }
      checkUnique(context, mapping, settings)
      await catalog.put('mapping', mapping.uuid, mapping)
      answer(request, shown(mapping, 'Creating'))
    },

    GetEventSourceMapping(request) {
      answer(request, shown(existing(request, 'GetEventSourceMapping')))
    },

    async UpdateEventSourceMapping(request) {
      const { input } = request
      const { uuid } = existing(request, 'UpdateEventSourceMapping')
      const given = input.text('FunctionName')
      const target = given === undefined ? undefined : functionOf(request, 'UpdateEventSourceMapping', given)
      const { mapping, state } = await catalog.inTurn('mapping', uuid, async () => {
        const before = existing(request, 'UpdateEventSourceMapping')
        const { name, qualifier } = target ?? { name: before.functionName, qualifier: before.qualifier }
        const enabled = input.flag('Enabled') ?? before.enabled
        const mapping: EventSourceMappingRecord = {
          ...before,
          functionName: name,
          qualifier,
          enabled,
          modifiedAt: context.clock.now(),
          settings: JSON.stringify(settingsFor(input, JSON.parse(before.settings) as Record<string, unknown>, uuid))
        }
        await catalog.put('mapping', uuid, mapping)
        const state: State = enabled === before.enabled ? 'Updating' : enabled ? 'Enabling' : 'Disabling'
        return { mapping, state }
      })
      answer(request, shown(mapping, state))
    },

    async DeleteEventSourceMapping(request) {
      const mapping = existing(request, 'DeleteEventSourceMapping')
      await catalog.inTurn('mapping', mapping.uuid, () => catalog.remove('mapping', mapping.uuid))
      answer(request, shown(mapping, 'Deleting'))
    },

    ListEventSourceMappings(request) {
      const { call, input } = request
      mayDeploy(call.key, 'lambda:ListEventSourceMappings')
      const [source, given] = [input.text('EventSourceArn'), input.text('FunctionName')]
      const target = given === undefined ? undefined : targetOf(context, call, given, undefined)
      if (target !== undefined && target.record === undefined)
        throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Function not found: ${target.arn}`)
      const mappings = catalog.list('mapping').filter((mapping) => {
        if (call.key.role !== 'admin' && call.key.account !== mapping.account) return false
        if (target !== undefined && (target.name !== mapping.functionName || target.qualifier !== mapping.qualifier)) return false
        return source === undefined || sourceArnOf(mapping) === source
      })
      const page = pageOf(input, mappings, (mapping) => mapping.uuid, MAPPINGS_LISTED_MAX)
      answer(request, { EventSourceMappings: page.items.map((mapping) => shown(mapping)), ...page.next })
    }
  }
}

/** Recorded: Kafka has a word of its own for it. */
function isKafka(mapping: EventSourceMappingRecord): boolean {
  return rulesOf(sourceArnOf(mapping)) === KAFKA
}

function sourceArnOf(mapping: EventSourceMappingRecord): string | undefined {
  return (JSON.parse(mapping.settings) as { EventSourceArn?: string }).EventSourceArn
}

/** One mapping per source and function, as far as this node knows. */
function checkUnique(context: LambdaContext, mapping: EventSourceMappingRecord, settings: Record<string, unknown>): void {
  const { region, accountId } = context
  const source = sourceOf(new Members(settings))
  const same = context.catalog
    .list('mapping')
    .find(
      (other) =>
        other.functionName === mapping.functionName &&
        other.qualifier === mapping.qualifier &&
        sourceOf(new Members(JSON.parse(other.settings) as Record<string, unknown>)).text === source.text
    )
  if (same === undefined) return
  const arn = functionArn(region, accountId, mapping.functionName, mapping.qualifier)
  throw new PeerlessError(
    'CONFLICT',
    source.managed
      ? `The event source arn (" ${source.shown} ") and function (" ${mapping.functionName} ") provided mapping already exists. Please update or delete the existing mapping with UUID ${same.uuid}`
      : `An event source mapping with event source ("${source.shown}"), function ("${arn}"), topics ("${source.topics}") already exists. Please update or delete the existing mapping with UUID ${same.uuid}`
  )
}
