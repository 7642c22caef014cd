import type { IncomingMessage, ServerResponse } from 'node:http'
import { ACCOUNT_NAME, type AccessKey, FUNCTION_NAME, INVITE_USES_MAX, type KeyAnswer, PeerlessError } from '@peerless/interface'
import { z } from 'zod'
import { checked } from './api-body.ts'
import { type ApiCall, type ApiOperation, type ApiParts, PLAIN_STYLE, serveApi } from './api-call.ts'
import type { CodeUrls } from './code-url.ts'
import { presentable, send } from './http-answer.ts'
import { latencyOperations } from './latency-api.ts'
import { ACCOUNT_STREAMS_SHARE } from './limits.ts'
import { CLIENT_GONE, ROUTE } from './metrics.ts'
import { sendLines } from './ndjson.ts'
import { queueOperations } from './queue-api.ts'
import { accountShown, mayDeploy, mayManage, mustBeAdmin } from './roles.ts'
import { routeOperations } from './route-api.ts'
import { triggerOperations } from './trigger-api.ts'
import { decodeLoosely, queryPairs, queryValue } from './url-query.ts'

/** Above what packages/mesh takes, which says so itself. */
const TOKEN_CHARACTERS_MAX = 16_384
const REDEMPTION_BYTES_MAX = TOKEN_CHARACTERS_MAX + 256
const ACCOUNT = z.string().regex(ACCOUNT_NAME, 'must be 1 to 64 letters, digits, dots, hyphens or underscores')
const INVITE = z.strictObject({
  role: z.enum(['node', 'deployer', 'invoker']).default('node'),
  /** From a second to thirty days. */
  ttlSeconds: z.number().int().min(1).max(2_592_000).default(3_600),
  uses: z.number().int().min(1).max(INVITE_USES_MAX).default(1),
  account: ACCOUNT.optional()
})
const NODE = /^[\w.-]{1,64}$/
const NODE_RULE = 'must be a name or peer id of 1 to 64 letters, digits, dots, hyphens or underscores'
const LEAVE = z.strictObject({ successor: z.string().regex(NODE, NODE_RULE).nullable().optional() })
const REDEMPTION = z.strictObject({ token: z.string().min(1).max(TOKEN_CHARACTERS_MAX) })
const KEY = z.strictObject({
  role: z.enum(['admin', 'deployer', 'invoker']),
  account: ACCOUNT.optional()
})

/** The mesh's own API under /v1: what `peerless …` talks to. Signed like the Lambda API; errors are `{code, message}`. */
export class MeshApi {
  readonly #parts: ApiParts
  readonly #codeUrls: CodeUrls
  readonly #operations: ReadonlyMap<string, ApiOperation>
  #streams = 0
  readonly #streamsOf = new Map<string, number>()

  constructor(parts: ApiParts, codeUrls: CodeUrls) {
    this.#parts = parts
    this.#codeUrls = codeUrls
    this.#operations = new Map(
      Object.entries({
        ...this.#meshOperations(),
        ...this.#ledgerOperations(),
        ...latencyOperations(parts.context),
        ...routeOperations(parts.context),
        ...queueOperations(parts.context),
        ...triggerOperations(parts.context)
      })
    )
  }

  handle(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    if (path.startsWith('/v1/code/') && request.method === 'GET') return this.#code(request, response, path.slice(9), rawQuery)
    const { pattern, name } = routeOf(path)
    const exact = this.#operations.get(`${request.method} ${path}`)
    const exchange = {
      request,
      response,
      operation: exact ?? this.#operations.get(`${request.method} ${pattern}`),
      name: exact === undefined ? name : '',
      rawQuery
    }
    return serveApi(this.#parts, PLAIN_STYLE, ROUTE.MESH, exchange)
  }

  #meshOperations(): Record<string, ApiOperation> {
    const { context } = this.#parts
    const { mesh, keys, limits } = context
    const drains = (draining: boolean): ApiOperation => ({
      name: 'node drain',
      bodyBytesMax: 0,
      async run(call) {
        mustBeAdmin(call.key, 'drain the node')
        const answer = mesh.setDraining(draining)
        const by = call.key.accessKeyId
        context.logger.warn(draining ? 'takes no new work' : 'takes work again', { requestId: call.requestId, by })
        call.json(200, answer)
      }
    })
    return {
      'GET /v1/peers': read('peers', (call) => {
        mayDeploy(call.key, 'see the peers')
        return mesh.peers()
      }),
      'DELETE /v1/peers/*': {
        name: 'peers',
        bodyBytesMax: 0,
        async run(call) {
          mustBeAdmin(call.key, 'remove nodes')
          const answer = await mesh.remove(call.name, flagOf(call, 'invited'))
          context.logger.warn('nodes were removed', { requestId: call.requestId, by: call.key.accessKeyId, ...answer })
          call.json(200, answer)
        }
      },
      'GET /v1/node': read('node', (call) => {
        mustBeAdmin(call.key, 'see the node')
        return mesh.node()
      }),
      'GET /v1/node/leave': read('node leave', (call) => {
        mustBeAdmin(call.key, 'make the node leave')
        return mesh.leavePlan({ successor: successorOf(call) })
      }),
      'POST /v1/node/leave': {
        name: 'node leave',
        bodyBytesMax: limits.meshBodyBytesMax,
        async run(call) {
          mustBeAdmin(call.key, 'make the node leave')
          const order = checked(LEAVE, call)
          context.logger.warn('is told to leave', { requestId: call.requestId, by: call.key.accessKeyId })
          call.json(200, await mesh.leave(order))
        }
      },
      'PUT /v1/node/drain': drains(true),
      'DELETE /v1/node/drain': drains(false),
      'GET /v1/instances': read('instances', (call) => {
        mustBeAdmin(call.key, 'see the instances')
        if (!flagOf(call, 'mesh')) return mesh.node().instances
        return mesh.allInstances?.() ?? { instances: mesh.node().instances, missing: [] }
      }),
      'POST /v1/invites': {
        name: 'invites',
        bodyBytesMax: limits.meshBodyBytesMax,
        async run(call) {
          mustBeAdmin(call.key, 'make invites')
          const { role, ttlSeconds, uses, account = call.key.account } = checked(INVITE, call)
          // As a key that is made directly: an invoker of another account could call nothing of what the inviter has deployed.
          const of = role === 'node' ? undefined : account
          call.json(201, await mesh.invite({ role, ttlMs: ttlSeconds * 1_000, uses, account: of }))
        }
      },
      'POST /v1/invites/redeem': {
        name: 'invites redeem',
        bodyBytesMax: REDEMPTION_BYTES_MAX,
        open: true,
        async run(call) {
          // A use is spent before its key is made: one that can't be made is a use lost, never two keys.
          const invited = await mesh.redeem(checked(REDEMPTION, call).token)
          // Invites of before accounts were recorded.
          const key = await keys.create({ role: invited.role, account: invited.account ?? mesh.node().account })
          const { accessKeyId, role, account } = key
          const from = call.request.socket.remoteAddress
          context.logger.info('an invite became an access key', { requestId: call.requestId, accessKeyId, role, account, from })
          call.json(201, answerOf(key, true))
        }
      },
      'GET /v1/keys': read('keys', (call) => {
        mustBeAdmin(call.key, 'list access keys')
        return keys.list().map((key) => answerOf(key, false))
      }),
      'POST /v1/keys': {
        name: 'keys',
        bodyBytesMax: limits.meshBodyBytesMax,
        async run(call) {
          mustBeAdmin(call.key, 'create access keys')
          const { role, account } = checked(KEY, call)
          call.json(201, answerOf(await keys.create({ role, account: account ?? call.key.account }), true))
        }
      },
      'DELETE /v1/keys/*': {
        name: 'keys',
        bodyBytesMax: 0,
        async run(call) {
          mustBeAdmin(call.key, 'revoke access keys')
          if (!(await keys.revoke(call.name)))
            throw new PeerlessError('NOT_FOUND', `there is no access key '${call.name.slice(0, 128)}'`)
          call.json(204, undefined)
        }
      },
      'GET /v1/logs': { name: 'logs', bodyBytesMax: 0, run: (call) => this.#logs(call) }
    }
  }

  #ledgerOperations(): Record<string, ApiOperation> {
    const { ledger } = this.#parts.context
    return {
      'GET /v1/ledger/balance': {
        name: 'ledger balance',
        bodyBytesMax: 0,
        run: async (call) => {
          const account = accountShown(call.key, accountOf(call), 'read the balance')
          const during = duringOf(call)
          await ledger.settled()
          const balances = await ledger.balances(during)
          const shown = account === undefined ? balances : balances.filter((balance) => balance.account === account)
          const { itemisedFrom } = await ledger.stats()
          const headers = ['content-type', 'application/json', 'x-peerless-itemised-from', String(itemisedFrom)]
          call.send(200, headers, JSON.stringify(shown))
        }
      },
      'GET /v1/ledger/statement': {
        name: 'ledger statement',
        bodyBytesMax: 0,
        run: async (call) => {
          const account = accountShown(call.key, accountOf(call), 'read the statement')
          const filter = { ...(account === undefined ? {} : { account }), ...duringOf(call) }
          await ledger.settled()
          const kept = ['x-peerless-itemised-from', String((await ledger.stats()).itemisedFrom)]
          await this.#stream(call, false, () => ledger.statement(filter), kept)
        }
      },
      'GET /v1/ledger/verify': read('ledger verify', (call) => {
        mustBeAdmin(call.key, 'verify the ledger')
        return ledger.verify()
      })
    }
  }

  async #logs(call: ApiCall): Promise<void> {
    const { catalog, logs } = this.#parts.context
    const name = call.query('function') ?? ''
    if (!FUNCTION_NAME.test(name))
      throw new PeerlessError('INVALID_ARGUMENT', `function '${name.slice(0, 100)}' must be 1 to 64 letters, digits, '-' or '_'`)
    mayDeploy(call.key, 'read logs')
    const record = catalog.get('function', name)
    if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${name}' in this mesh`)
    mayManage(call.key, record, 'read the logs')
    const { account } = record
    const sinceMs = epochOf(call, 'since') ?? 0
    const follow = flagOf(call, 'follow')
    const read = (signal: AbortSignal) => logs.read({ account, function: name, sinceMs, follow, signal })
    await this.#stream(call, follow, (signal) => this.#whileHeld(call.key, read(signal)))
  }

  /** Nothing that comes after the key was revoked. */
  async *#whileHeld<Item>({ accessKeyId }: AccessKey, items: AsyncIterable<Item>): AsyncIterable<Item> {
    const { keys } = this.#parts.context
    for await (const item of items) {
      if (keys.get(accessKeyId) === undefined) return
      yield item
    }
  }

  async #stream(
    call: ApiCall,
    live: boolean,
    open: (signal: AbortSignal) => AsyncIterable<unknown>,
    more: readonly string[] = []
  ): Promise<void> {
    const { streamsMax } = this.#parts.context.limits
    if (this.#streams >= streamsMax)
      throw new PeerlessError('UNAVAILABLE', `${this.#streams} streams are open at this node, at most ${streamsMax}`, {
        detail: { retryAfterMs: 5_000 }
      })
    const { account } = call.key
    const own = this.#streamsOf.get(account) ?? 0
    const ownMax = Math.ceil(streamsMax * ACCOUNT_STREAMS_SHARE)
    if (own >= ownMax)
      throw new PeerlessError('THROTTLED', `${own} streams of account '${account}' are open at this node, at most ${ownMax}`, {
        detail: { retryAfterMs: 5_000 }
      })
    const gone = new AbortController()
    const abort = () => gone.abort()
    call.response.once('close', abort)
    const forget = live ? this.#parts.drain.onBegin(abort) : () => undefined
    this.#countStream(account, 1)
    try {
      const headers = ['x-amzn-requestid', call.requestId, ...more]
      this.#parts.drain.mark(headers)
      await sendLines(call.response, open(gone.signal), { headers, live, signal: gone.signal })
    } finally {
      this.#countStream(account, -1)
      forget()
      call.response.off('close', abort)
      gone.abort()
    }
  }

  #countStream(account: string, change: 1 | -1): void {
    this.#streams += change
    const own = (this.#streamsOf.get(account) ?? 0) + change
    if (own === 0) this.#streamsOf.delete(account)
    else this.#streamsOf.set(account, own)
  }

  /** The zip of a function, for whoever has the URL of GetFunction. */
  async #code(request: IncomingMessage, response: ServerResponse, rawName: string, rawQuery: string): Promise<void> {
    const { context, metrics, drain } = this.#parts
    const startedAt = context.clock.monotonic()
    metrics.started()
    try {
      const pairs = queryPairs(rawQuery)
      // This path asks for no signature: what the URL says counts because the token is bound to it.
      const named = {
        name: decodeLoosely(rawName),
        zipCid: queryValue(pairs, 'cid') ?? '',
        zipBytes: Number(queryValue(pairs, 'bytes'))
      }
      this.#codeUrls.check(named, queryValue(pairs, 'token'))
      const zip = await context.deployments.zipOf(named)
      const headers = ['content-type', 'application/zip', 'content-disposition', `attachment; filename="${named.name}.zip"`]
      drain.mark(headers)
      send(response, 200, headers, zip)
    } catch (thrown) {
      const error = presentable(thrown)
      drain.refuse(request, response, error.status, PLAIN_STYLE.headers(error), PLAIN_STYLE.body(error))
    } finally {
      const status = response.destroyed && !response.headersSent ? CLIENT_GONE : response.statusCode
      metrics.answered(ROUTE.MESH, status, context.clock.monotonic() - startedAt)
    }
  }
}

/** `/v1/WHAT/NAME[/ACTION]`, with `*` for the name, which may be percent-encoded. */
function routeOf(path: string): { pattern: string; name: string } {
  const [, version, what, name, ...rest] = path.split('/', 6)
  if (name === undefined || what === 'ledger') return { pattern: path, name: '' }
  return { pattern: ['', version, what, '*', ...rest].join('/'), name: decodeLoosely(name) }
}

function read(name: string, answer: (call: ApiCall) => unknown): ApiOperation {
  return { name, bodyBytesMax: 0, run: async (call) => call.json(200, await answer(call)) }
}

function answerOf(key: AccessKey, withSecret: boolean): KeyAnswer {
  const { accessKeyId, secretAccessKey, role, account, node } = key
  return { accessKeyId, secretAccessKey: withSecret ? secretAccessKey : undefined, role, account, node }
}

function accountOf(call: ApiCall): string | undefined {
  const account = call.query('account')
  if (account === undefined || ACCOUNT_NAME.test(account)) return account
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `account '${account.slice(0, 100)}' must be 1 to 64 letters, digits, dots, hyphens or underscores`
  )
}

/** What a balance or a statement is of; both ends are left out where they are not given. */
function duringOf(call: ApiCall): { from?: number; to?: number } {
  const from = epochOf(call, 'from')
  const to = epochOf(call, 'to')
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

/** Epoch milliseconds of a query parameter. */
function epochOf(call: ApiCall, name: string): number | undefined {
  const text = call.query(name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new PeerlessError('INVALID_ARGUMENT', `${name} '${text.slice(0, 100)}' must be epoch milliseconds, 1 to 15 digits`)
}

/** A name or peer id; null where it is empty, which is nobody. */
function successorOf(call: ApiCall): string | null | undefined {
  const text = call.query('successor')
  if (text === undefined || NODE.test(text)) return text
  if (text === '') return null
  throw new PeerlessError('INVALID_ARGUMENT', `successor '${text.slice(0, 100)}' ${NODE_RULE}`)
}

function flagOf(call: ApiCall, name: string): boolean {
  const text = call.query(name)
  if (text === undefined || text === '0' || text === 'false') return false
  if (text === '1' || text === 'true' || text === '') return true
  throw new PeerlessError('INVALID_ARGUMENT', `${name} '${text.slice(0, 100)}' must be 1 or 0`)
}
