/** `npm run check`: types, lint and format, layering, dead code. Runs all of them, then says which failed. */
import { spawnSync } from 'node:child_process'

const bin = (name: string) => `node_modules/.bin/${name}`
const steps: [name: string, command: string, ...args: string[]][] = [
  ['types', process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.'],
  ['lint', bin('biome'), 'check', '--error-on-warnings', '.'],
  ['layering', process.execPath, 'scripts/check-layers.ts'],
  ['dead code', process.execPath, 'node_modules/knip/bin/knip.js'],
  ['house rules', process.execPath, 'scripts/check-house.ts']
]

const failed: string[] = []
for (const [name, command, ...args] of steps) {
  const started = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  console.log(`${status === 0 ? '✔' : '✘'} ${name} (${Math.round(performance.now() - started)} ms)`)
  if (status !== 0) failed.push(name)
}
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
