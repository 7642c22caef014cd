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

interface Counts {
  passed: number
  failed: number
  skipped: number
  /** Titles of what failed; a crash of the runner has none. */
  readonly failures: string[]
}

const patterns = process.argv.slice(2)
const counts = await run(patterns)
for (const title of counts.failures) console.log(`failed: ${title}`)
if (process.env.TEST_AGAIN === '1' && counts.failed > 0) await runAgain()
const { passed, failed, skipped } = counts
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0

async function run(ofWhich: readonly string[]): Promise<Counts> {
  const found: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  const child = spawn(process.execPath, [avaEntry(), '--tap', ...ofWhich], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)))
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
    else if (inFailure) {
      found.failed++
      found.failures.push(title)
    } else found.passed++
    console.log(inFailure ? `✘ ${title}` : `✔ ${title}`)
  }
  // A crash of the runner, or no test at all, is a failure too.
  if ((await closed) !== 0 && found.failed === 0) found.failed = 1
  if (found.passed + found.failed === 0) found.failed = 1
  return found
}

async function runAgain(): Promise<void> {
  const files = new Map(Map.groupBy(counts.failures, fileOf))
  // A runner that crashed, or a failure of no file, is none of a test.
  if (files.has(undefined) || counts.failures.length < counts.failed || files.size > AGAIN_MAX) return
  for (const [file, titles] of files) {
    console.log(`again, alone: ${file}`)
    const second = await run([file as string])
    if (second.failed > 0) continue
    counts.failed -= titles.length
    counts.passed += titles.length
    for (const title of titles) console.log(`unsteady: ${title}`)
  }
}

/** ava names a test by the path of its file, without what all files of the run have in common, and by its title. */
function fileOf(title: string): string | undefined {
  const parts = title.split(' › ')
  const files = globSync('{packages/*/test,node/test,cli/test,test}/**/*.test.ts')
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
