import type { Command } from 'commander'
import { apiError } from '../client.ts'
import { type Context, withJson, withNode } from '../context.ts'

const ANSWER_TIMEOUT_MS = 10_000

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      `Print exports of the address and an access key of the node, for AWS SDKs and the AWS CLI: eval "$(peerless env)".`
    )
    .action(async (flags: { json?: true }) => {
      const client = await context.connect(command)
      const { origin, accessKeyId, secretAccessKey, region } = client.access
      // A file that a killed node left behind would make every later command of the shell fail: better say it now.
      const answer = await client.request({ method: 'GET', path: ['healthz'], timeoutMs: ANSWER_TIMEOUT_MS })
      if (answer.status !== 200) throw apiError(answer, 'env')
      const variables = {
        AWS_ENDPOINT_URL: origin,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_DEFAULT_REGION: region,
        AWS_REGION: region
      }
      if (flags.json) await context.printJson(variables)
      else
        await context.print(
          `export ${Object.entries(variables)
            .map(([name, value]) => `${name}=${quote(value)}`)
            .join(' ')}\n`
        )
    })
}

/** For any POSIX shell: as it is where that is safe, else in single quotes. */
export function quote(value: string): string {
  return /^[a-zA-Z0-9_./:=@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
