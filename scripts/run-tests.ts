/**
 * `npm test`: every test that needs no foreign server, ended by one counted line `N passed, N failed`.
 * Usage: node scripts/run-tests.ts [ava patterns]
 *
 * With TEST_AGAIN=1 in the environment, as in .ci/run, files in which something failed are run once more when they are few, each alone: what passes then
 * counts, and is named as unsteady. Hundreds of tests start processes and share the machine; one that a stall of it broke must not hide what the others say.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** More files than these are no accident. */
const AGAIN_MAX = 3
/** How a process is told of that ended before its tests, its file first; one that threw has a line of its own error before. */
const EXITED = /^(\S+) exited (with|due)/
const THREW = /^\S+ exited with/
const EMPTY = /^No tests found in (\S+)/

/** Of a terminal, which reaches this process alone, or of whoever wants it to end. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

interface Counts {
  /** Titles. */
  readonly passed: string[]
  /** Titles, or what became of a file's process. */
  readonly failures: string[]
  /** The runner ended in failure and named none, or there was no test. */
  crashed: boolean
  skipped: number
}

const given = process.argv.slice(2)
const config = given.filter((part, index) => part === '--config' || given[index - 1] === '--config')
const files = globSync('{packages/*/test,node/test,cli/test,test}/**/*.test.ts')
const counts = await run(given)
for (const title of counts.failures) console.log(`failed: ${title}`)
if (counts.crashed) console.log('failed: the runner itself, or it found no test')
let passed = counts.passed.length
let failed = counts.failures.length + Number(counts.crashed)
if (process.env.TEST_AGAIN === '1' && failed > 0 && !counts.crashed) await runAgain()
console.log(`${passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0

async function run(withWhat: readonly string[]): Promise<Counts> {
  const found: Counts = { passed: [], failures: [], crashed: false, skipped: 0 }
  // A process group of its own: when a test's time runs out, ava 8.0.1 ends in the middle of saying so, and whatever the tests started would live on.
  const child = spawn(process.execPath, [avaEntry(), '--tap', ...withWhat], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true
  })
  const endGroup = () => endGroupOf(child.pid)
  for (const signal of STOPPING) process.once(signal, endGroup)
  const closed = new Promise<number>((resolve) => child.once('exit', (exit) => resolve(exit ?? 1)))
  // Not 'close': what is left of the group holds the pipe open.
  child.once('exit', endGroup)
  let inFailure = false
  for await (const line of createInterface({ input: child.stdout })) {
    const result = /^(not ok|ok) \d+ - (.*)$/.exec(line)
    if (result === null) {
      // A failure's own lines, and tables that tests print of what they counted.
      const table = /^\s*#?\s*(\|.*\|)$/.exec(line)
      if (inFailure || table !== null) console.log(table?.[1] ?? line)
      continue
    }
    const [, verdict, title] = result as unknown as [string, string, string]
    inFailure = verdict === 'not ok'
    if (/# (SKIP|TODO)/.test(title)) found.skipped++
    else (inFailure ? found.failures : found.passed).push(title)
    console.log(inFailure ? `✘ ${title}` : `✔ ${title}`)
  }
  const exit = await closed
  for (const signal of STOPPING) process.off(signal, endGroup)
  found.crashed = (exit !== 0 && found.failures.length === 0) || found.failures.length + found.passed.length === 0
  return found
}

function endGroupOf(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}

async function runAgain(): Promise<void> {
  const failures = new Map(Map.groupBy(counts.failures, fileOf))
  // The error that ends a process names no file; the line that says that the process ended does.
  const nameless = failures.get(undefined) ?? []
  failures.delete(undefined)
  const ended = [...failures.values()].filter((titles) => titles.some((title) => THREW.test(title)))
  if (failures.size > AGAIN_MAX || nameless.length > ended.length) return
  let steady = true
  for (const [file, titles] of failures) {
    console.log(`again, alone: ${file}`)
    const second = await run([...config, file as string])
    if (second.failures.length > 0 || second.crashed) {
      steady = false
      continue
    }
    failed -= titles.length
    passed += second.passed.length - counts.passed.filter((title) => fileOf(title) === file).length
    for (const title of titles) console.log(`unsteady: ${title}`)
  }
  if (!steady) return
  failed -= nameless.length
  for (const title of nameless) console.log(`unsteady: ${title}`)
}

/** ava names a test by the path of its file, without what all files of the run have in common, and by its title; a process that ended by its path. */
function fileOf(title: string): string | undefined {
  const ended = EXITED.exec(title) ?? EMPTY.exec(title)
  if (ended !== null) return ended[1]
  const parts = title.split(' › ')
  for (let count = parts.length - 1; count > 0; count--) {
    const path = `/${parts.slice(0, count).join('/')}.test.ts`
    const found = files.filter((file) => `/${file}`.endsWith(path))
    if (found.length === 1) return found[0]
  }
  return undefined
}

/** As its manifest says: the file's name has changed between versions. */
function avaEntry(): string {
  const folder = join('node_modules', 'ava')
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: { ava: string } }
  return join(folder, bin.ava)
}
