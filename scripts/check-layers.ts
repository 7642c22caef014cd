/**
 * A package imports only packages above its own line in packages/README.md, by their entry; `node/` alone knows them all; nobody imports `testing`
 * outside tests. The order is read from that table, so the page cannot lie.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const table = readFileSync('packages/README.md', 'utf8')
const order = [...table.matchAll(/^\| `([a-z]+)` \|/gm)].map((match) => match[1] as string)
const errors: string[] = []

for (const file of globSync(['packages/*/src/**/*.ts', 'node/src/**/*.ts', 'cli/src/**/*.ts'])) {
  const place = placeOf(file) as string
  const source = readFileSync(file, 'utf8')
  for (const [, target] of source.matchAll(/(?:from|import|require)\s*\(?\s*['"`]([^'"`]+)['"`]/g))
    if (target !== undefined) check(file, place, target)
}

/** The package that a file is of, or 'node' or 'cli'. */
function placeOf(file: string): string | undefined {
  return /^(?:packages\/([^/]+)|(node|cli))\//
    .exec(file)
    ?.slice(1)
    .find((name) => name !== undefined)
}

function check(file: string, place: string, target: string): void {
  const own = /^@peerless\/([a-z]+)(\/.*)?$/.exec(target)
  if (own === null) {
    const reached = target.startsWith('.') ? placeOf(join(dirname(file), target)) : undefined
    if (reached !== undefined && reached !== place) errors.push(`${file}: '${target}' reaches into '${reached}' by path`)
    return
  }
  const [, imported, deep] = own as unknown as [string, string, string | undefined]
  if (deep !== undefined && !isDeclared(imported, deep)) errors.push(`${file}: '${target}' is not an entry of that package`)
  if (imported === 'testing') errors.push(`${file}: '@peerless/testing' is for tests`)
  if (place === 'node' || imported === place) return
  if (place === 'cli') {
    if (!['interface', 'wire', 'bundle', 'node'].includes(imported)) errors.push(`${file}: cli may not import '${target}'`)
    return
  }
  if (!order.includes(place)) errors.push(`${file}: packages/README.md has no line for '${place}'`)
  if (order.indexOf(imported) === -1 || order.indexOf(imported) > order.indexOf(place)) {
    errors.push(`${file}: '${place}' imports '${imported}', which is not above it in packages/README.md`)
  }
}

function isDeclared(name: string, deep: string): boolean {
  const manifest = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as { exports: Record<string, string> }
  return Object.hasOwn(manifest.exports, `.${deep}`)
}

for (const error of errors) console.error(error)
process.exitCode = errors.length > 0 ? 1 : 0
