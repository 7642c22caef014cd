import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { settle } from '@peerless/testing'
import test from 'ava'
import { transform } from 'esbuild'
import { restBundler, withEsbuild } from '../src/esbuild-service.ts'

const DEATH = new Error('The service was stopped')
const died = () => new Error('the culprit')

test('code that kills the bundler is refused, and takes no other build with it', async (t) => {
  // esbuild writes a long stack trace to stderr when it dies, hence a process of its own.
  const script = fileURLToPath(new URL('_kill-bundler.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script], { maxBuffer: 10_000_000 })
  const [culprit, ...innocent] = JSON.parse(stdout)
  t.is(culprit[0], 'INVALID_SOURCE')
  t.regex(culprit[1], /^'index\.mjs' can't be compiled: .* nested too deeply/)
  t.deepEqual(innocent, [1, 2, 3, 4])
})

test.serial('what fails because the process died is tried once more, by itself', async (t) => {
  const events: string[] = []
  const release = Promise.withResolvers<void>()
  const slow = withEsbuild(async () => {
    events.push('slow begins')
    await release.promise
    events.push('slow ends')
  }, died)
  let tries = 0
  const struck = withEsbuild(async () => {
    tries += 1
    events.push(`try ${tries}`)
    if (tries === 1) throw DEATH
    await settle()
    events.push('try 2 ends')
    return 5
  }, died)
  await settle()
  const late = withEsbuild(async () => events.push('late'), died)
  await settle()
  t.deepEqual(events, ['slow begins', 'try 1'], 'the second try waits for the others, newcomers wait for it')
  release.resolve()
  t.is(await struck, 5)
  await Promise.all([slow, late])
  t.deepEqual(events, ['slow begins', 'try 1', 'slow ends', 'try 2', 'try 2 ends', 'late'])
})

test.serial('what kills it by itself too is told so, one after the other, and the rest goes on', async (t) => {
  let atOnce = 0
  let atOnceMax = 0
  let tries = 0
  const killer = () =>
    withEsbuild(async () => {
      tries += 1
      if (tries <= 3) throw DEATH
      atOnce += 1
      atOnceMax = Math.max(atOnceMax, atOnce)
      await settle()
      atOnce -= 1
      throw DEATH
    }, died)
  const endings = await Promise.allSettled([killer(), killer(), killer(), withEsbuild(async () => 1, died)])
  t.deepEqual(
    endings.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'fulfilled']
  )
  t.is(tries, 6)
  t.is(atOnceMax, 1)
  t.is(await withEsbuild(async () => 2, died), 2)
})

test.serial('an error of another kind is not tried again', async (t) => {
  let tries = 0
  await t.throwsAsync(
    withEsbuild(async () => {
      tries += 1
      throw new Error('a bug')
    }, died),
    { message: 'a bug' }
  )
  t.is(tries, 1)
})

/** Linux only, as the test machine is. */
function bundlers(): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+ \(esbuild\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1] === String(process.pid)
    } catch {
      // No process, or one that ended while we looked.
      return false
    }
  }).length
}

test.serial('a bundler that nobody has used between two looks is ended, and the next build has another', async (t) => {
  const build = () => withEsbuild(async () => (await transform('let a = 1 ', { minify: true })).code, died)
  await restBundler()
  for (let round = 0; round < 2; round++) {
    t.is(await build(), 'let a=1;\n')
    t.is(bundlers(), 1)
    await restBundler()
    t.is(bundlers(), 1, 'it was used')
    const release = Promise.withResolvers<void>()
    const slow = withEsbuild(() => release.promise, died)
    await restBundler()
    await restBundler()
    t.is(bundlers(), 1, 'it is used')
    release.resolve()
    await slow
    await restBundler()
    while (bundlers() > 0) await settle()
  }
})
