/**
 * `npm test`: every test that needs no foreign server, ended by one counted line `N passed, N failed`.
 * Usage: node scripts/run-tests.ts [ava patterns]
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const node = process.execPath
const patterns = process.argv.slice(2)
const child = spawn(node, [avaEntry(), '--tap', ...patterns], {
  stdio: ['ignore', 'pipe', 'inherit']
})

let passed = 0
let failed = 0
let skipped = 0
const failures: string[] = []
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
  if (/# (SKIP|TODO)/.test(title)) skipped++
  else if (inFailure) {
    failed++
    failures.push(title)
  } else passed++
  console.log(inFailure ? `✘ ${title}` : `✔ ${title}`)
}
const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)))
for (const title of failures) console.log(`failed: ${title}`)
// A crash of the runner, or no test at all, is a failure too.
if (code !== 0 && failed === 0) failed = 1
if (passed + failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0

/** As its manifest says: the file's name has changed between versions. */
function avaEntry(): string {
  const folder = join('node_modules', 'ava')
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: { ava: string } }
  return join(folder, bin.ava)
}
