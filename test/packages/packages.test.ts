import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, up } from '../_daemon.ts'
import { invoke, lambdaOf } from '../_functions.ts'
import { startS3 } from './_s3-server.ts'

/**
 * Popular packages, unchanged: each file in handlers/ is bundled and deployed by the command line and run in an executor, and run by this Node;
 * all its events must be answered alike.
 */
const FOLDER = join(import.meta.dirname, 'handlers')
const names = readdirSync(FOLDER)
  .filter((name) => !name.startsWith('_'))
  .map((name) => name.replace(/\.mjs$/, ''))

let daemon: Daemon
let client: LambdaClient
const endings: (() => unknown)[] = []
const table: [name: string, events: number, bytes: number][] = []

test.before(async () => {
  daemon = await up({ teardown: (run) => void endings.unshift(run) }, { args: ['--allow-egress', '127.0.0.0/8'] })
  client = await lambdaOf(daemon)
})

test.after.always(async (t) => {
  for (const end of endings) await end()
  t.log(table.map(([name, events, bytes]) => `${name.padEnd(14)} ${events} events alike, ${bytes} bytes`).join('\n'))
  t.log(`${table.length} packages, ${table.reduce((sum, [, events]) => sum + events, 0)} events alike under Node and here`)
})

for (const name of names) {
  test.serial(`${name} answers as under Node`, async (t) => {
    const path = join(FOLDER, `${name}.mjs`)
    const deployed = await daemon.cli('deploy', path, '--name', name, '--timeout', '30', '--memory', '256', '--json')
    t.is(deployed.code, 0, deployed.stderr)
    const { handler, events } = (await import(path)) as { handler: (event: unknown) => unknown; events: object[] }
    for (const event of events) {
      const expected = await outcome(handler, await prepared(name, event, t))
      const { result, FunctionError } = await invoke(client, name, await prepared(name, event, t))
      t.is(FunctionError, undefined, JSON.stringify(result))
      if (!isDeepStrictEqual(result, expected)) t.deepEqual(result, expected, JSON.stringify(event))
    }
    table.push([name, events.length, (JSON.parse(deployed.stdout) as { bytes: number }).bytes])
  })
}

async function outcome(handler: (event: unknown) => unknown, event: unknown): Promise<unknown> {
  return JSON.parse(JSON.stringify(await handler(event)) ?? 'null')
}

/** A server of its own for each of the two sides. */
async function prepared(name: string, event: object, t: { teardown(run: () => unknown): void }): Promise<object> {
  if (name !== 'aws-s3') return event
  const server = await startS3()
  t.teardown(() => server.stop())
  return { ...event, endpoint: server.url }
}
