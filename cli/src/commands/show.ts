import { LATEST, type NodeStatus } from '@peerless/interface'
import type { Command } from 'commander'
import { type Context, withJson, withNodeItself } from '../context.ts'
import { CliError } from '../errors.ts'
import { cidOf, findFunction, parseFunctionName, type UrlConfiguration } from '../lambda.ts'
import { findLatencyTarget, latencyText } from '../latency.ts'
import { nodeStatus } from '../mesh-api.ts'
import { findSettings, qualifierOf, type Settings, splitText } from '../qualifiers.ts'
import { bytesText, digits, fields, printable } from '../text.ts'

export function define(command: Command, context: Context): void {
  withJson(withNodeItself(command))
    .description(
      'Show one function; without a name the node itself, with the layers that isolate functions on its machine. JSON: NodeStatus of the mesh API, or the FunctionConfiguration of the Lambda API with Versions (their numbers), Aliases, FunctionUrlConfigs, ProvisionedConcurrencyConfigs, ReservedConcurrentExecutions where it is set, and FunctionUrl and AuthType where the function itself has a URL, LatencyTarget where it has one; only there are the values of its variables.'
    )
    .argument('[name]', 'function name')
    .action(async (alleged: string | undefined, flags: { json?: true }) => {
      const client = await context.connect(command)
      if (alleged === undefined) {
        const node = await nodeStatus(client)
        await (flags.json ? context.printJson(node) : context.print(nodeText(node)))
        return
      }
      const name = parseFunctionName(alleged)
      const found = await findFunction(client, name)
      if (found === undefined) throw new CliError(`there is no function '${name}'`, "'peerless ls' shows what there is.")
      const [settings, latency] = await Promise.all([findSettings(client, name), findLatencyTarget(client, name)])
      if (flags.json) {
        const target = latency === undefined ? {} : { LatencyTarget: latency }
        return await context.printJson({ ...found, ...settingsJson(settings), ...target })
      }
      const variables = Object.keys(found.Environment?.Variables ?? {})
      await context.print(
        fields([
          ['name', String(found.FunctionName)],
          ['version', String(found.Version)],
          ['state', [found.State, found.StateReason, found.LastUpdateStatus].filter((part) => part).join(', ')],
          ['handler', `${found.Handler} (${found.Runtime ?? 'any runtime'})`],
          ['memory', `${found.MemorySize} MB`],
          ['timeout', `${found.Timeout} s`],
          ...(latency === undefined ? [] : [['latency target', printable(latencyText(latency))] as const]),
          ['variables', variables.length === 0 ? '-' : variables.join(', ')],
          ['size', `${bytesText(Number(found.CodeSize))} (${digits(Number(found.CodeSize))} bytes)`],
          ['cid', cidOf(found) ?? '-'],
          ['sha256', String(found.CodeSha256 ?? '-')],
          ['modified', String(found.LastModified ?? '-')],
          ['revision', String(found.RevisionId ?? '-')],
          ['arn', String(found.FunctionArn ?? '-')],
          ...settingsFields(settings)
        ])
      )
    })
}

function memoryOf({ memory }: NodeStatus): [string, string][] {
  if (memory === undefined) return []
  const { usedMb, boundMb, pressed, evicted, evictedKept } = memory
  const bound = typeof boundMb === 'number' ? ` of ${boundMb}` : ''
  const kept = evictedKept > 0 ? ` (${evictedKept} of them to be kept warm)` : ''
  const given = evicted > 0 ? `, ${evicted} idle instances given up${kept}` : ''
  return [['memory', `${usedMb}${bound} MB${pressed ? ', more than it may' : ''}${given}`]]
}

function settingsJson({ versions, aliases, urls, reserved, provisioned }: Settings): Record<string, unknown> {
  const own = urls.find(isOfFunction)
  return {
    Versions: versions.map(({ Version }) => Version),
    Aliases: aliases,
    FunctionUrlConfigs: urls,
    ProvisionedConcurrencyConfigs: provisioned,
    ...(reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved }),
    ...(own === undefined ? {} : { FunctionUrl: own.FunctionUrl, AuthType: own.AuthType })
  }
}

/** A line for each alias, URL and provisioned concurrency; the first of each kind has the label. */
function settingsFields({ versions, aliases, urls, reserved, provisioned }: Settings): [string, string][] {
  const numbers = versions.flatMap(({ Version }) => (Version === LATEST ? [] : [String(Version)]))
  const urlText = (url: UrlConfiguration) => `${url.FunctionUrl} (auth ${url.AuthType})`
  return [
    ['versions', numbers.join(', ') || '-'],
    ...lines(
      'aliases',
      aliases.map((alias) => `${alias.Name} leads to ${splitText(alias)}`)
    ),
    ['reserved', reserved === undefined ? '-' : `${reserved} concurrent calls`],
    ...lines(
      'provisioned',
      provisioned.map(
        (one) => `${one.RequestedProvisionedConcurrentExecutions} instances of ${qualifierOf(one.FunctionArn)} (${one.Status})`
      )
    ),
    ...lines('url', [
      ...urls.filter(isOfFunction).map(urlText),
      ...urls.filter((url) => !isOfFunction(url)).map((url) => `${qualifierOf(url.FunctionArn)}: ${urlText(url)}`)
    ])
  ]
}

function isOfFunction({ FunctionArn }: UrlConfiguration): boolean {
  return qualifierOf(FunctionArn) === LATEST
}

function lines(label: string, texts: readonly string[]): [string, string][] {
  return texts.length === 0 ? [[label, '-']] : texts.map((text, index) => [index === 0 ? label : '', text])
}

function nodeText(node: NodeStatus): string {
  const layers = (node.isolation ?? []).map(({ layer, active, detail }): [string, string] => [
    printable(String(layer)),
    `${active ? 'active' : 'not active'}: ${printable(String(detail))}`
  ])
  return fields([
    ['node', `${node.name} (${node.peerId})`],
    ['account', String(node.account)],
    ['version', `${node.version}, Node ${node.node}, V8 ${node.v8}, isolated-vm ${node.isolatedVm}`],
    ['slots', `${node.busy} of ${node.slots} busy, ${node.instances?.length ?? 0} instances`],
    ...(node.draining === true ? [['work', 'draining: takes none'] as const] : []),
    ...memoryOf(node),
    ...layers
  ])
}
