import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLogger, realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { Conduct, PROVEN_CALLS_MIN, REVISIONS_REMEMBERED_MAX, type StandingEntry } from '../src/conduct.ts'
import { StandingsFile } from '../src/standings-file.ts'

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peerless-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A node's life: what was kept is read, and all that changes is kept. */
async function life(path: string): Promise<{ conduct: Conduct; logger: MemoryLogger; end: () => Promise<void> }> {
  const logger = new MemoryLogger()
  const file = new StandingsFile(path, realClock, logger)
  const conduct = new Conduct(await file.read(), (offence) => file.changed(offence))
  file.keep(() => conduct.entries())
  return { conduct, logger, end: () => file.close() }
}

test('proven code is proven after a restart, what offended stays in quarantine, and its next one is longer', async (t) => {
  const path = await folder(t)
  const first = await life(path)
  for (let call = 0; call < PROVEN_CALLS_MIN; call++) first.conduct.good('proven')
  first.conduct.offend('bad')
  first.conduct.good('young')
  await first.end()
  const second = await life(path)
  t.is(second.conduct.of('proven'), 'proven')
  t.is(second.conduct.of('bad'), 'quarantine')
  t.is(second.conduct.of('young'), 'probation')
  second.conduct.offend('bad')
  await second.end()
  const third = await life(path)
  t.deepEqual(
    third.conduct.entries().find(([id]) => id === 'bad'),
    ['bad', 'quarantine', 0, 2]
  )
})

test('offences one after the other are all on disk in the end', async (t) => {
  const path = await folder(t)
  const { conduct, end } = await life(path)
  for (let index = 0; index < 50; index++) conduct.offend(`r${index}`)
  await end()
  const { revisions } = JSON.parse(await readFile(join(path, 'standings.json'), 'utf8')) as { revisions: unknown[] }
  t.is(revisions.length, 50)
})

const refused = test.macro({
  title: (_, what) => `a file that ${what} is set aside, and said so`,
  async exec(t, _what: string, text: string) {
    const path = await folder(t)
    await writeFile(join(path, 'standings.json'), text)
    const { conduct, logger } = await life(path)
    t.deepEqual(conduct.entries(), [])
    t.is(await readFile(join(path, 'standings.json.corrupt'), 'utf8'), text)
    t.true(logger.lines.some(({ level }) => level === 'error'))
  }
})

const entry: StandingEntry = ['r', 'proven', 0, 0]
test(refused, 'is no JSON', 'not json')
test(refused, 'is of another format', JSON.stringify({ format: 2, revisions: [] }))
test(refused, 'names an unknown standing', JSON.stringify({ format: 1, revisions: [['r', 'trusted', 0, 0]] }))
test(refused, 'has a negative count', JSON.stringify({ format: 1, revisions: [['r', 'proven', -1, 0]] }))
test(
  refused,
  'has too many revisions',
  JSON.stringify({ format: 1, revisions: Array.from({ length: REVISIONS_REMEMBERED_MAX + 1 }, () => entry) })
)
