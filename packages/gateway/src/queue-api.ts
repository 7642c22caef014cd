import {
  type AccessKey,
  type AsyncInvoker,
  type AsyncResult,
  type DeadLetter,
  type DeadLetterFilter,
  FUNCTION_NAME,
  PeerlessError
} from '@peerless/interface'
import { z } from 'zod'
import { checked } from './api-body.ts'
import type { ApiCall, ApiOperation } from './api-call.ts'
import type { GatewayContext } from './options.ts'
import { accountShown, mayDeploy, mayInvoke } from './roles.ts'

/** Letters in one listing; the command line shows no more. */
const LIST_MAX = 1_000
const LIST_DEFAULT = 100
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Which letters: one, those of a function, or in so many words all. */
const WHICH = z
  .strictObject({
    requestId: z.string().regex(UUID, 'must be a request id: a UUID in lower case').optional(),
    function: z.string().regex(FUNCTION_NAME, "must be 1 to 64 letters, digits, '-' or '_'").optional(),
    all: z.literal(true).optional()
  })
  .refine((value) => Object.keys(value).length === 1, { error: 'name exactly one of requestId, function or all' })

/** Results of asynchronous invocations and dead letters, under /v1. */
export function queueOperations(context: GatewayContext): Record<string, ApiOperation> {
  const { limits } = context
  return {
    'GET /v1/async/*': operation('async result', 0, async (call) => {
      const result = await queueOf(context).result(call.name)
      if (result === undefined)
        throw new PeerlessError(
          'NOT_FOUND',
          `no node that is connected knows an asynchronous invocation '${call.name.slice(0, 64)}'; results are kept for a day`
        )
      maySee(context, call.key, result)
      call.json(200, resultAnswer(result))
    }),
    'GET /v1/dead-letters': operation('dead letters', 0, async (call) => {
      const filter = { ...filterOf(call, 'list dead letters'), functionName: call.query('function') }
      const letters = await queueOf(context).deadLetters(filter, limitOf(call))
      call.json(200, letters.map(letterAnswer))
    }),
    'GET /v1/dead-letters/*': operation('dead letter', 0, async (call) => {
      mayDeploy(call.key, 'show dead letters')
      const letter = await queueOf(context).deadLetter(call.name)
      if (letter === undefined) throw new PeerlessError('NOT_FOUND', `there is no dead letter '${call.name.slice(0, 64)}'`)
      maySee(context, call.key, letter.result)
      call.json(200, { ...letterAnswer(letter), event: jsonOrText(letter.event) })
    }),
    'POST /v1/dead-letters/redrive': operation('redrive', limits.meshBodyBytesMax, async (call) => {
      const filter = { ...filterOf(call, 'send dead letters again'), ...whichOf(call) }
      const again = await queueOf(context).redrive(filter)
      call.json(
        200,
        again.map(([deadLetter, requestId]) => ({ deadLetter, requestId }))
      )
    }),
    'POST /v1/dead-letters/purge': operation('purge', limits.meshBodyBytesMax, async (call) => {
      const filter = { ...filterOf(call, 'purge dead letters'), ...whichOf(call) }
      call.json(200, { purged: await queueOf(context).purge(filter) })
    })
  }
}

function operation(name: string, bodyBytesMax: number, run: ApiOperation['run']): ApiOperation {
  return { name, bodyBytesMax, run }
}

function queueOf({ asyncInvoker }: GatewayContext): AsyncInvoker {
  if (asyncInvoker === undefined) throw new PeerlessError('UNAVAILABLE', 'this node has no queue')
  return asyncInvoker
}

/** Admins see all accounts. */
function filterOf(call: ApiCall, action: string): DeadLetterFilter {
  const account = accountShown(call.key, undefined, action)
  return account === undefined ? {} : { account }
}

function whichOf(call: ApiCall): DeadLetterFilter {
  const { requestId, function: functionName } = checked(WHICH, call)
  return { requestId, functionName }
}

/** Whoever may invoke a function may know how it ended. What is left of one that is gone is its account's, whoever has its name now. */
function maySee(context: GatewayContext, key: AccessKey, result: AsyncResult): void {
  const record = context.catalog.get('function', result.functionName)
  const account = result.account ?? record?.account
  if (record !== undefined && record.account === account) mayInvoke(key, record, { qualifier: result.qualifier })
  else if (key.role !== 'admin' && key.account !== account) mayManageNothing(key, result)
}

function mayManageNothing(key: AccessKey, { functionName }: AsyncResult): never {
  throw new PeerlessError(
    'FORBIDDEN',
    `Access key ${key.accessKeyId} may not see what '${functionName.slice(0, 100)}' left: there is no such function any more`
  )
}

function limitOf(call: ApiCall): number {
  const text = call.query('limit') ?? String(LIST_DEFAULT)
  const limit = Number(text)
  if (/^\d{1,4}$/.test(text) && limit >= 1 && limit <= LIST_MAX) return limit
  throw new PeerlessError('INVALID_ARGUMENT', `limit '${text.slice(0, 20)}' must be a whole number from 1 to ${LIST_MAX}`)
}

function resultAnswer(result: AsyncResult): Record<string, unknown> {
  const { payload, payloadCut, functionName, ...rest } = result
  return { ...rest, function: functionName, result: jsonOrText(payload), ...(payloadCut ? { resultCut: true } : {}) }
}

function letterAnswer({ result, eventBytes }: DeadLetter): Record<string, unknown> {
  return { ...resultAnswer(result), eventBytes }
}

function jsonOrText(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined
  const text = Buffer.from(bytes).toString('utf8')
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    // A result that was cut, or that is no JSON: as it is.
    return text
  }
}
