import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { checkedLoaded, checkedLog, checkedResult, checkedStatus } from '../src/executor-answers.ts'
import { type Defined, start } from './_instances.ts'

const options = { seed: 20_261_125, numRuns: 2_000 }

function taken<Header>(t: ExecutionContext, check: (alleged: unknown) => Header, alleged: unknown): Header | undefined {
  try {
    return check(alleged)
  } catch (error) {
    t.is((error as { code?: string }).code, 'MALFORMED')
    return undefined
  }
}

test('whatever an executor sends as a header is taken whole or refused as malformed', (t) => {
  const scalar = fc.oneof(fc.anything(), fc.nat(), fc.string(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300))
  const header = fc.oneof(
    fc.anything(),
    fc.array(scalar, { maxLength: 9 }),
    fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.nat(), scalar, scalar)
  )
  fc.assert(
    fc.property(header, (alleged) => {
      taken(t, checkedLoaded, alleged)
      taken(t, checkedStatus, alleged)
      const result = taken(t, checkedResult, alleged)
      if (result?.[5] !== undefined) for (const text of result[6] ?? []) t.is(typeof text, 'string')
      const log = taken(t, checkedLog, alleged)
      if (log !== undefined) t.notThrows(() => new Date(log[3]).toISOString())
    }),
    options
  )
  t.pass()
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

test.serial('an executor that was taken over hurts its own calls only', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-executor-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const program = join(folder, 'executor')
  const script = join(import.meta.dirname, '_hostile-executor.ts')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${script}'\n`, { mode: 0o755 })
  // Between two executors a call waits for its time alone, which keeps no process alive; a daemon's server does.
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  const { define, instances, logger } = await start(t, { nodePath: program, slots: 4 })
  const endings = new Map<string, number>()
  const fns: Defined[] = []
  const broke = () => logger.lines.some(({ message }) => message === 'an executor broke the protocol')
  // What they do is chance: in one run of twenty eight of them all end before any breaks it.
  for (let round = 0; round < 8 || (!broke() && round < 64); round++) {
    const fn = define('', { timeoutSeconds: 1 })
    const outcomes = await Promise.all([fn.call(), fn.call(), fn.call(), fn.call()])
    for (const { status } of outcomes) endings.set(status, (endings.get(status) ?? 0) + 1)
    fns.push(fn)
    // What is being started ahead of calls has a slot, too.
    const starting = fns.reduce((sum, { version }) => sum + instances.launching(version.revisionId), 0)
    t.is(instances.busy - starting, 0, 'no slot is lost')
    t.notThrows(() => instances.isolation())
  }
  t.true([...endings.values()].reduce((sum, count) => sum + count, 0) === 4 * fns.length, JSON.stringify([...endings]))
  t.true(broke())
  while (instances.busy > 0) await turn()
  t.is(instances.busy, 0)
})
