import type { Command } from 'commander'
import { type Context, withJson, withNode } from '../context.ts'
import { CliError } from '../errors.ts'
import { cidOf, findFunction, findUrl, parseFunctionName } from '../lambda.ts'
import { bytesText, digits, fields } from '../text.ts'

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Show one function. JSON: the FunctionConfiguration of the Lambda API with FunctionUrl and AuthType where it has a URL; only there are the values of its variables.'
    )
    .argument('<name>', 'function name')
    .action(async (alleged: string, flags: { json?: true }) => {
      const name = parseFunctionName(alleged)
      const client = await context.connect(command)
      const found = await findFunction(client, name)
      if (found === undefined) throw new CliError(`there is no function '${name}'`, "'peerless ls' shows what there is.")
      const { FunctionUrl, AuthType } = (await findUrl(client, name)) ?? {}
      if (flags.json) return await context.printJson(FunctionUrl === undefined ? found : { ...found, FunctionUrl, AuthType })
      const variables = Object.keys(found.Environment?.Variables ?? {})
      await context.print(
        fields([
          ['name', String(found.FunctionName)],
          ['version', String(found.Version)],
          ['state', [found.State, found.StateReason, found.LastUpdateStatus].filter((part) => part).join(', ')],
          ['handler', `${found.Handler} (${found.Runtime ?? 'any runtime'})`],
          ['memory', `${found.MemorySize} MB`],
          ['timeout', `${found.Timeout} s`],
          ['variables', variables.length === 0 ? '-' : variables.join(', ')],
          ['size', `${bytesText(Number(found.CodeSize))} (${digits(Number(found.CodeSize))} bytes)`],
          ['cid', cidOf(found) ?? '-'],
          ['sha256', String(found.CodeSha256 ?? '-')],
          ['modified', String(found.LastModified ?? '-')],
          ['revision', String(found.RevisionId ?? '-')],
          ['arn', String(found.FunctionArn ?? '-')],
          ['url', FunctionUrl === undefined ? '-' : `${FunctionUrl} (auth ${AuthType})`]
        ])
      )
    })
}
