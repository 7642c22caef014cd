import test from 'ava'
import { up } from '../_daemon.ts'
import { type Client, clientsOf } from './_clients.ts'
import { type Input, scriptOf } from './_script.ts'

/** What a client cannot do, its model being older than the operation say, is no failure of the node; it is counted for itself. */
test('every client that is installed gets through every operation that it knows', async (t) => {
  t.timeout(900_000)
  const node = await up(t)
  const through = async (client: Client, index: number) => {
    const answers = new Map<string, Input>()
    const failures: string[] = []
    const tried = new Set<string>()
    const unknown = new Set<string>()
    for (const [operation, input] of scriptOf(`function-${index}`)) {
      const outcome = await client.call(
        operation,
        input((earlier) => answers.get(earlier) ?? {})
      )
      if (outcome.kind === 'unknown') unknown.add(operation)
      else tried.add(operation)
      if (outcome.kind === 'ok') answers.set(operation, outcome.output)
      else if (outcome.kind === 'failed') failures.push(`${operation}: ${outcome.why}`)
    }
    const broken = new Set(failures.map((failure) => failure.split(':')[0]))
    const row = [client.name.padEnd(28), tried.size, tried.size - broken.size, unknown.size]
    t.deepEqual(failures, [], client.name)
    t.true(tried.size > 50, `${client.name} knows ${tried.size} operations`)
    return `| ${row.map((cell) => String(cell).padStart(6)).join(' | ')} |`
  }
  // Side by side: the command line starts a process for each.
  const rows = await Promise.all((await clientsOf(t, node)).map(through))
  t.log([`| ${'client'.padEnd(28)} |  tried | passed | beyond it |`, ...rows].join('\n'))
  t.true(rows.length >= 2, 'no other client than the SDK is installed')
})
