/** Versions and aliases of a function, and what is set for them, as the Lambda API has it. */
import type { NodeClient } from './client.ts'
import { type FunctionConfiguration, functionPath, listAll, type UrlConfiguration, unlessMissing } from './lambda.ts'

export interface AliasConfiguration {
  Name?: string
  AliasArn?: string
  FunctionVersion?: string
  Description?: string
  RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> }
}

interface ProvisionedConcurrency {
  FunctionArn?: string
  RequestedProvisionedConcurrentExecutions?: number
  Status?: string
}

/** `$LATEST` first, as the API lists them. */
export function listVersions(client: NodeClient, name: string): Promise<FunctionConfiguration[]> {
  return listAll(client, functionPath(name, 'versions'), 'Versions', name)
}

export function listAliases(client: NodeClient, name: string): Promise<AliasConfiguration[]> {
  return listAll(client, functionPath(name, 'aliases'), 'Aliases', name)
}

/** What `peerless show` says beside the configuration; what the node does not know is left out. */
export interface Settings {
  versions: FunctionConfiguration[]
  aliases: AliasConfiguration[]
  urls: UrlConfiguration[]
  /** undefined: not reserved. */
  reserved: number | undefined
  provisioned: ProvisionedConcurrency[]
}

export async function findSettings(client: NodeClient, name: string): Promise<Settings> {
  const [versions, aliases, urls, concurrency, provisioned] = await Promise.all([
    unlessMissing(listVersions(client, name)),
    unlessMissing(listAliases(client, name)),
    unlessMissing(listAll<UrlConfiguration>(client, ['2021-10-31', 'functions', name, 'urls'], 'FunctionUrlConfigs', name)),
    unlessMissing(client.json({ method: 'GET', path: ['2019-09-30', 'functions', name, 'concurrency'] }, name)),
    unlessMissing(
      listAll<ProvisionedConcurrency>(
        client,
        ['2019-09-30', 'functions', name, 'provisioned-concurrency'],
        'ProvisionedConcurrencyConfigs',
        name,
        { List: 'ALL' }
      )
    )
  ])
  const reserved = (concurrency as { ReservedConcurrentExecutions?: unknown } | undefined)?.ReservedConcurrentExecutions
  return {
    versions: versions ?? [],
    aliases: aliases ?? [],
    urls: urls ?? [],
    reserved: typeof reserved === 'number' ? reserved : undefined,
    provisioned: provisioned ?? []
  }
}

/** `1`, or `1 90 %, 2 10 %` where calls are split. */
export function splitText({ FunctionVersion, RoutingConfig }: AliasConfiguration): string {
  const others = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {})
  if (others.length === 0) return String(FunctionVersion)
  const rest = others.reduce((left, [, weight]) => left - Number(weight), 1)
  return [[String(FunctionVersion), rest] as const, ...others]
    .map(([version, weight]) => `${version} ${percent(weight)}`)
    .join(', ')
}

function percent(weight: number): string {
  return `${Number((Number(weight) * 100).toFixed(2))} %`
}

/** What follows the name in the ARN of a function; `$LATEST` for nothing. */
export function qualifierOf(arn: string | undefined): string {
  return String(arn ?? '').split(':')[7] ?? '$LATEST'
}
