import {
  aliasOf,
  FUNCTION_NAME,
  type FunctionRecord,
  PeerlessError,
  parseFunctionReference,
  type RouteRecord,
  versionOf
} from '@peerless/interface'
import { z } from 'zod'
import { checked } from './api-body.ts'
import type { ApiCall, ApiOperation } from './api-call.ts'
import { ACCOUNT_ROUTES_MAX, ROUTES_MAX } from './limits.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'
import { checkNotReserved, parseHost, parseRouteKey, type RoutePattern, routeIdOf } from './route-pattern.ts'
import { takesFrom } from './route-precedence.ts'

const TOKEN = /^(\*|[!#$%&'*+\-.^_`|~0-9A-Za-z]+)$/
const ORIGIN = /^(\*|https?:\/\/(\*|[^\s/*,]+))$/
const names = (max: number) => z.array(z.string().min(1).max(1_024).regex(TOKEN, 'must be header names or *')).max(max).optional()
/** Lambda's bounds of a function URL's Cors. */
const CORS = z.strictObject({
  allowCredentials: z.boolean().optional(),
  allowHeaders: names(100),
  allowMethods: z
    .array(z.enum(['GET', 'PUT', 'HEAD', 'POST', 'PATCH', 'DELETE', '*']))
    .max(6)
    .optional(),
  allowOrigins: z
    .array(z.string().min(1).max(253).regex(ORIGIN, 'must be origins such as https://example.com, https://* or *'))
    .max(100)
    .optional(),
  exposeHeaders: names(100),
  maxAge: z.number().int().min(0).max(86_400).optional()
})
const ROUTE = z.strictObject({
  route: z.string().min(1).max(600),
  host: z.string().min(1).max(300).optional(),
  /** `NAME` or `NAME:QUALIFIER` */
  function: z.string().min(1).max(200),
  auth: z.enum(['NONE', 'AWS_IAM']).default('NONE'),
  invokeMode: z.enum(['BUFFERED', 'RESPONSE_STREAM']).default('BUFFERED'),
  cors: CORS.optional()
})

/** `/v1/routes`: who owns a function may lead a route to it. */
export function routeOperations(context: GatewayContext): Record<string, ApiOperation> {
  const { catalog, clock, limits } = context
  return {
    'GET /v1/routes': {
      name: 'routes',
      bodyBytesMax: 0,
      run(call) {
        mayDeploy(call.key, 'see the routes')
        const all = catalog.list('route')
        call.json(200, call.key.role === 'admin' ? all : all.filter((route) => route.account === call.key.account))
      }
    },
    'POST /v1/routes': {
      name: 'routes',
      bodyBytesMax: limits.routeBodyBytesMax,
      async run(call) {
        const order = checked(ROUTE, call)
        const pattern = parseRouteKey(order.route)
        const host = order.host === undefined ? undefined : parseHost(order.host)
        if (host === undefined) checkNotReserved(pattern)
        const { record, qualifier } = target(context, order.function)
        mayManage(call.key, record, `add a route to function '${record.name}'`)
        mayUseHost(context, call, host, record.account)
        const id = routeIdOf(host, pattern)
        const before = catalog.get('route', id)
        if (before !== undefined) mayChange(call, before)
        else {
          checkRoom(context, record.account)
          mayTake(context, call, host, pattern, record.account)
        }
        const now = clock.now()
        const route: RouteRecord = {
          id,
          host,
          routeKey: pattern.routeKey,
          account: record.account,
          functionName: record.name,
          qualifier,
          auth: order.auth,
          invokeMode: order.invokeMode,
          cors: order.cors,
          createdAt: before?.createdAt ?? now,
          modifiedAt: now
        }
        await catalog.put('route', id, route)
        call.json(before === undefined ? 201 : 200, route)
      }
    },
    'DELETE /v1/routes/*': {
      name: 'routes',
      bodyBytesMax: 0,
      async run(call) {
        mayDeploy(call.key, 'remove routes')
        const id = call.name
        const route = /^[0-9a-f]{32}$/.test(id) ? catalog.get('route', id) : undefined
        if (route === undefined)
          throw new PeerlessError('NOT_FOUND', `there is no route '${id.slice(0, 64)}': its id is 32 hex digits`)
        mayChange(call, route)
        await catalog.remove('route', id)
        call.json(204, undefined)
      }
    }
  }
}

/** @throws NOT_FOUND, INVALID_ARGUMENT */
function target(context: GatewayContext, reference: string): { record: FunctionRecord; qualifier: string | undefined } {
  const { name, qualifier } = parseFunctionReference(reference)
  const record = FUNCTION_NAME.test(name) ? context.catalog.get('function', name) : undefined
  if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${name}' in this mesh`)
  const known =
    qualifier === undefined ||
    aliasOf(record, qualifier) !== undefined ||
    versionOf(context.catalog, record, qualifier) !== undefined
  if (!known) throw new PeerlessError('NOT_FOUND', `function '${name}' has no version or alias '${qualifier}'`)
  return { record, qualifier }
}

function mayChange({ key }: ApiCall, route: RouteRecord): void {
  if (key.role === 'admin' || (key.role === 'deployer' && key.account === route.account)) return
  throw new PeerlessError('FORBIDDEN', `route '${route.routeKey}' belongs to another account`)
}

/** @throws TOO_LARGE */
function checkRoom({ catalog }: GatewayContext, account: string): void {
  const all = catalog.list('route')
  if (all.length >= ROUTES_MAX)
    throw new PeerlessError('TOO_LARGE', `there are ${ROUTES_MAX} routes in this mesh, and no more fit`)
  const own = all.filter((route) => route.account === account).length
  if (own >= ACCOUNT_ROUTES_MAX)
    throw new PeerlessError(
      'TOO_LARGE',
      `account '${account}' has ${own} routes, and no more than ${ACCOUNT_ROUTES_MAX} of one account fit`
    )
}

/**
 * Where routes of several accounts are on one host, a path is first come, first served: who adds a more specific one must not get requests that
 * are another's. What begins with a parameter claims nothing, or the first to add `ANY /{all+}` would have all names there are.
 */
function mayTake(
  { catalog }: GatewayContext,
  { key }: ApiCall,
  host: string | undefined,
  pattern: RoutePattern,
  account: string
): void {
  if (key.role === 'admin') return
  for (const route of catalog.list('route')) {
    if (route.host !== host || route.account === account) continue
    const other = parseRouteKey(route.routeKey)
    const first = other.segments?.[0]
    if (first?.kind === 'literal' && takesFrom(pattern, other))
      throw new PeerlessError(
        'FORBIDDEN',
        `route '${pattern.routeKey}' would take requests from a route of another account under '/${first.text}'`
      )
  }
}

/** All paths of a host belong to its routes, so who has none there yet may not claim it: it may be the name of the node itself. */
function mayUseHost({ catalog }: GatewayContext, { key }: ApiCall, host: string | undefined, account: string): void {
  if (host === undefined || key.role === 'admin') return
  if (catalog.list('route').some((route) => route.host === host && route.account === account)) return
  throw new PeerlessError(
    'FORBIDDEN',
    `host '${host}' has no route of account '${account}' yet: the first is an administrator's to add`
  )
}
