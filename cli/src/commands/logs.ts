import type { LogLine } from '@peerless/interface'
import type { Command } from 'commander'
import { type Context, withJson, withNode } from '../context.ts'
import { CliError } from '../errors.ts'
import type { Format, Host } from '../host.ts'
import { parseFunctionName } from '../lambda.ts'
import { readJsonLines } from '../ndjson.ts'
import { printable, shortPeer, timeText } from '../text.ts'
import { parseMoment } from '../values.ts'

const FORMAT: Record<string, Format> = { error: 'red', warn: 'yellow', debug: 'dim', platform: 'dim' }

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Print the logs of every instance of a function on every node, in time order.')
    .argument('<name>', 'function name')
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .option('--since <when>', 'how far back: a duration such as 5m, or a time such as 2026-05-01T12:00:00Z', '1h')
    .action(async (alleged: string, flags: { follow?: true; since: string; json?: true }) => {
      const { host } = context
      const name = parseFunctionName(alleged)
      const since = Math.max(0, parseMoment(flags.since, '--since', host.now()))
      const client = await context.connect(command)
      const signal = flags.follow ? host.interrupted() : undefined
      const query = { function: name, since: String(since), follow: flags.follow ? '1' : undefined }
      try {
        const stream = await client.stream(
          { method: 'GET', path: ['v1', 'logs'], query, ...(signal === undefined ? {} : { signal }) },
          `logs ${name}`
        )
        for await (const line of readJsonLines(stream, `logs ${name}`)) {
          await context.print(flags.json ? `${line.text}\n` : lineText(line.value as unknown as LogLine, host))
        }
      } catch (error) {
        if (signal?.aborted === true) return
        if (error instanceof CliError) throw error
        throw new CliError(`logs ${name}: the stream broke off: ${(error as Error).message}`, 'Run the command again.', {
          cause: error
        })
      }
      if (flags.follow)
        throw new CliError(
          `logs ${name}: the node ended the stream`,
          'It may have stopped: see what it logs, then run the command again.'
        )
    })
}

function lineText(line: LogLine, host: Host): string {
  const level = String(line.level)
  const origin = host.style(
    'dim',
    `${shortPeer(printable(String(line.node)))} ${printable(String(line.requestId ?? '-')).slice(-8)}`
  )
  const tag = printable(level).toUpperCase().padEnd(8)
  const message = printable(String(line.message).replace(/\n$/, ''))
  return `${timeText(Number(line.time))} ${origin} ${FORMAT[level] === undefined ? tag : host.style(FORMAT[level], tag)} ${message}\n`
}
