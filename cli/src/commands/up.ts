import { flushCompileCache } from 'node:module'
import { ACCOUNT_ID_DEFAULT } from '@peerless/interface'
import type { Command } from 'commander'
import { accessOptions, type Context } from '../context.ts'
import {
  FRONTS_MAX,
  HTTP_DEFAULT,
  MEMORY_MB_MIN,
  parseNodeOptions,
  REPLICAS_MAX,
  SLOTS_MAX,
  STREAM_MB_MAX,
  type UpFlags
} from '../node-options.ts'

/** By then the node serves, and every module of it has been compiled. */
const COMPILE_CACHE_FLUSH_MS = 5_000

export function define(command: Command, context: Context): void {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  command
    .description(
      'Run a node in the foreground. Without --join and with an empty data folder it founds a mesh. Ctrl-C drains and stops it.'
    )
    .option('--data <dir>', 'where the node keeps its key, code and ledger (default: $PEERLESS_DATA, else ~/.peerless)')
    .option(
      '--http <host:port>',
      `address of the HTTP port; nothing beyond loopback unless you say so (default: ${HTTP_DEFAULT})`
    )
    .option('--listen <multiaddr>', "address of the mesh's port, such as /ip4/0.0.0.0/tcp/4001; may be repeated", collect)
    .option('--join <invite>', "join a mesh with the token that 'peerless invite' printed on one of its nodes")
    .option('--name <name>', 'what people call this node')
    .option(
      '--memory <mb>',
      `megabytes that the node and its instances may hold, from ${MEMORY_MB_MIN}; above it idle instances are given up (default: 80 % of the machine's)`
    )
    .option('--slots <n>', `busy instances at most, 0 to ${SLOTS_MAX}; 0 makes it a pure gateway`)
    .option(
      '--fronts <n>',
      `processes that share the HTTP port, 1 to ${FRONTS_MAX}; each is a node of the mesh with its share of slots and memory, and takes the next port after that of --listen (default: 1)`
    )
    .option('--stream-mb <mb>', `a streamed answer at most, 1 to ${STREAM_MB_MAX} (default: 20)`)
    .option(
      '--replicas <n>',
      `other nodes that must have an asynchronous event on disk before it is accepted, 0 to ${REPLICAS_MAX} (default: 1)`
    )
    .option(
      '--anti-entropy <duration>',
      'how often the catalog is compared with that of a random peer, 1s to 1d (default: 4s); changes are told at once all the same'
    )
    .option(
      '--ledger-keep <duration>',
      'how long the ledger keeps each receipt, 1d to 3650d (default: 400d); of older ones the balances stay. The same at all nodes'
    )
    .option('--account-id <12digits>', `the account id in ARNs (default: ${ACCOUNT_ID_DEFAULT})`)
    .option(
      '--s3-endpoint <url>',
      'where Code.S3Bucket and S3Key of the Lambda API are read from and records for buckets go to, path style; keys from AWS_*'
    )
    .option('--sqs-endpoint <url>', 'where records and dead letters for queues (arn:aws:sqs:…) go to; keys from AWS_*')
    .option('--sns-endpoint <url>', 'the same for topics')
    .option('--kinesis-endpoint <url>', 'the same for streams')
    .option('--eventbridge-endpoint <url>', 'the same for event buses')
    .option('--allow-egress <cidr>', 'let functions reach these addresses, which are closed by default; may be repeated', collect)
    .option('--sample', 'deploy the sample function hello, when this start founds a mesh')
    .option('--json', 'print one JSON line on stdout once the node serves; logs go to stderr')
    .action(async (flags: UpFlags) => {
      const { data } = accessOptions(command)
      const options = parseNodeOptions({ ...flags, ...(data === undefined ? {} : { data }) }, context.host)
      // A node serves on when nobody reads what it said at its start (`| head -1`, a full disk).
      context.host.stdout.removeAllListeners('error').on('error', () => undefined)
      const { runNode } = await import('@peerless/node')
      setTimeout(flushCompileCache, COMPILE_CACHE_FLUSH_MS).unref()
      await runNode(options)
    })
}
