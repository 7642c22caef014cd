import type { PackageJson } from './zip-tree.ts'

/** Nesting of conditions and arrays; real packages have three or four. */
const DEPTH_MAX = 32

/**
 * The target that `exports` or `imports` of a package.json names for a key ('./sub', '.', '#name'), by Node's algorithm
 * (nodejs.org/api/esm.html, "Resolution algorithm specification"): exact key, else the pattern with the longest prefix.
 * @returns './path' of the package, or for `imports` also a bare specifier; undefined when there is none
 */
export function exportsTarget(map: unknown, key: string, conditions: ReadonlySet<string>): string | undefined {
  const table = asTable(map, key)
  if (table === undefined) return undefined
  if (Object.hasOwn(table, key) && !key.includes('*')) return target(table[key], '', conditions, 0)
  let best: string | undefined
  for (const pattern of Object.keys(table)) {
    const star = pattern.indexOf('*')
    if (star === -1 || star !== pattern.lastIndexOf('*')) continue
    const before = pattern.slice(0, star)
    const after = pattern.slice(star + 1)
    if (!key.startsWith(before) || key.length <= before.length || !key.endsWith(after)) continue
    if (key.length < before.length + after.length) continue
    if (best === undefined || before.length > best.indexOf('*')) best = pattern
  }
  if (best === undefined) return undefined
  const star = best.indexOf('*')
  return target(table[best], key.slice(star, key.length - (best.length - star - 1)), conditions, 0)
}

/** `exports: './a.js'` and `exports: {conditions}` mean `exports: {'.': …}`. */
function asTable(map: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  if (key.startsWith('#')) return isObject(map) ? map : undefined
  if (isObject(map) && Object.keys(map).some((name) => name.startsWith('.'))) return map
  return map === undefined || map === null ? undefined : { '.': map }
}

function target(value: unknown, star: string, conditions: ReadonlySet<string>, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return undefined
  if (typeof value === 'string') {
    // A target or the text of a pattern may not climb out of the package, nor into another one.
    const whole = value.replaceAll('*', () => star)
    return /(?:^|\/)(?:\.\.|node_modules)(?:\/|$)/.test(whole.slice(1)) ? undefined : whole
  }
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = target(one, star, conditions, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isObject(value)) return undefined
  for (const [condition, then] of Object.entries(value)) {
    if (condition !== 'default' && !conditions.has(condition)) continue
    // null closes a path: nothing after it is tried.
    if (then === null) return undefined
    const found = target(then, star, conditions, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Patterns of `sideEffects` that are looked at; with more, every file counts as having effects. */
const PATTERNS_MAX = 100

/** Whether package.json says that this file (relative to the package) may be left out when nothing of it is used. */
export function isFreeOfSideEffects(json: PackageJson, file: string): boolean {
  const { sideEffects } = json
  if (sideEffects === false) return true
  if (!Array.isArray(sideEffects) || sideEffects.length > PATTERNS_MAX) return false
  return !sideEffects.some((pattern) => typeof pattern !== 'string' || mayMatch(pattern, file))
}

/**
 * The patterns that packages use: a path, a name for any folder, one `*` or `**`, and any folder before it. Anything else counts as a
 * match, which only costs size. No regular expression: a hostile one could take for ever.
 */
function mayMatch(alleged: string, file: string): boolean {
  const pattern = alleged.replace(/^\.?\//, '')
  if (!pattern.includes('/')) return matchesOne(pattern, file.slice(file.lastIndexOf('/') + 1))
  if (!pattern.startsWith('**/')) return matchesOne(pattern, file)
  for (let from = 0; ; from = file.indexOf('/', from) + 1) {
    if (matchesOne(pattern.slice(3), file.slice(from))) return true
    if (!file.includes('/', from)) return false
  }
}

function matchesOne(pattern: string, path: string): boolean {
  const parts = /^([^*?{}[\]!()]*)(?:(\*\*?)([^*?{}[\]!()]*))?$/.exec(pattern)
  if (parts === null) return true
  const [, before = '', star, after = ''] = parts
  if (star === undefined) return path === before
  if (path.length < before.length + after.length || !path.startsWith(before) || !path.endsWith(after)) return false
  return star === '**' || !path.slice(before.length, path.length - after.length).includes('/')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
