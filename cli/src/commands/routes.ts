import type { RouteRecord } from '@peerless/interface'
import { type Command, Option } from 'commander'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { CliError } from '../errors.ts'
import { parseReference } from '../lambda.ts'
import { type Column, printable, table } from '../text.ts'
import { parseInteger } from '../values.ts'

interface AddFlags {
  host?: string
  auth: string
  stream?: true
  corsOrigin?: string[]
  corsMethod?: string[]
  corsHeader?: string[]
  corsExpose?: string[]
  corsMaxAge?: string
  corsCredentials?: true
  json?: true
}

/** Lambda's bound: a day. */
const CORS_MAX_AGE_SECONDS = 86_400

export function define(command: Command, context: Context): void {
  withNode(command).description(
    'HTTP routes: method and path lead to a function, on every node of the mesh. The syntax is that of HTTP APIs of API Gateway.'
  )
  defineAdd(command.command('add'), context)
  defineList(command.command('ls'), context)
  defineRemove(command.command('rm'), context)
}

function defineAdd(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Lead a route to a function, or to another one than before.')
    .argument('<route>', "such as 'GET /users/{id}', 'ANY /{proxy+}' or '$default'")
    .argument('<name>', 'function name, optionally with :QUALIFIER')
    .option('--host <name>', 'only for this host name, such as api.example.com or *.example.com')
    .addOption(new Option('--auth <type>', 'who may call it').choices(['NONE', 'AWS_IAM']).default('NONE'))
    .option('--stream', 'send the answer as the function writes it')
    .option('--cors-origin <origin...>', 'answer browsers of these origins, such as https://example.com or *')
    .option('--cors-method <method...>', 'methods that they may use, or *')
    .option('--cors-header <name...>', 'request headers that they may send, or *')
    .option('--cors-expose <name...>', 'response headers that they may read, or *')
    .option('--cors-max-age <seconds>', `how long they may remember that, at most ${CORS_MAX_AGE_SECONDS}`)
    .option('--cors-credentials', 'let them send cookies')
    .action(async (route: string, name: string, flags: AddFlags) => {
      parseReference(name)
      const cors = corsOf(flags)
      const json = {
        route,
        function: name,
        auth: flags.auth,
        invokeMode: flags.stream === true ? 'RESPONSE_STREAM' : 'BUFFERED',
        ...(flags.host === undefined ? {} : { host: flags.host }),
        ...(cors === undefined ? {} : { cors })
      }
      const client = await context.connect(command)
      const made = objectOf<RouteRecord>(
        await client.json({ method: 'POST', path: ['v1', 'routes'], json }, 'routes add'),
        'routes add'
      )
      if (flags.json) return await context.printJson(made)
      await context.note(`${printable(made.routeKey)}${onHost(made)} leads to ${printable(targetOf(made))}.\n`)
    })
}

function corsOf(flags: AddFlags): Record<string, unknown> | undefined {
  const { corsOrigin, corsMethod, corsHeader, corsExpose, corsMaxAge, corsCredentials } = flags
  const cors = {
    ...(corsOrigin === undefined ? {} : { allowOrigins: corsOrigin }),
    ...(corsMethod === undefined ? {} : { allowMethods: corsMethod.map((method) => method.toUpperCase()) }),
    ...(corsHeader === undefined ? {} : { allowHeaders: corsHeader }),
    ...(corsExpose === undefined ? {} : { exposeHeaders: corsExpose }),
    ...(corsMaxAge === undefined ? {} : { maxAge: parseInteger(corsMaxAge, '--cors-max-age', 0, CORS_MAX_AGE_SECONDS) }),
    ...(corsCredentials === undefined ? {} : { allowCredentials: true })
  }
  return Object.keys(cors).length === 0 ? undefined : cors
}

const COLUMNS: readonly Column<RouteRecord>[] = [
  { title: 'ROUTE', cell: (route) => printable(route.routeKey) },
  { title: 'HOST', cell: (route) => printable(route.host ?? '-') },
  { title: 'FUNCTION', cell: (route) => printable(targetOf(route)) },
  { title: 'AUTH', cell: (route) => route.auth },
  { title: 'MODE', cell: (route) => route.invokeMode },
  { title: 'CORS', cell: (route) => (route.cors === undefined ? '-' : 'yes') }
]

function defineList(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List the routes of the mesh.')
    .action(async (flags: { json?: true }) => {
      const routes = await listRoutes(context, command)
      if (flags.json) return await context.printJson(routes)
      await context.print(table(routes, COLUMNS, (line) => context.host.style('bold', line)))
    })
}

function defineRemove(command: Command, context: Context): void {
  withNode(command)
    .description('Remove a route from every node of the mesh.')
    .argument('<route>', 'as `routes ls` shows it, or its id')
    .option('--host <name>', 'the route of this host name')
    .action(async (alleged: string, flags: { host?: string }) => {
      const client = await context.connect(command)
      const routes = await listRoutes(context, command)
      const wanted = alleged.trim().replace(/\s+/g, ' ')
      const host = flags.host?.toLowerCase()
      const found = routes.find(
        (route) => route.id === wanted || (route.routeKey === wanted && (route.host ?? undefined) === host)
      )
      if (found === undefined) {
        const where = host === undefined ? '' : ` of host '${host}'`
        throw new CliError(`there is no route '${wanted.slice(0, 200)}'${where}`, "'peerless routes ls' lists them.")
      }
      await client.json({ method: 'DELETE', path: ['v1', 'routes', found.id] }, 'routes rm')
      await context.note(`Removed ${printable(found.routeKey)}${onHost(found)}.\n`)
    })
}

async function listRoutes(context: Context, command: Command): Promise<RouteRecord[]> {
  const client = await context.connect(command)
  const routes = listOf<RouteRecord>(await client.json({ method: 'GET', path: ['v1', 'routes'] }, 'routes ls'), 'routes ls')
  return routes.sort((a, b) => compare(a.host ?? '', b.host ?? '') || compare(a.routeKey, b.routeKey))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function targetOf(route: RouteRecord): string {
  return route.qualifier === undefined || route.qualifier === null
    ? route.functionName
    : `${route.functionName}:${route.qualifier}`
}

function onHost(route: RouteRecord): string {
  return route.host === undefined || route.host === null ? '' : ` on ${printable(route.host)}`
}
