/** Strict deep equality as node:util has it, for the kinds of values that handlers compare. Cycles compare by their place. */
export function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return equal(a, b, new Map())
}

function equal(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (seen.get(a) === b) return true
  seen.set(a, b)
  if (a instanceof Date) return a.getTime() === (b as Date).getTime()
  if (a instanceof RegExp) return String(a) === String(b)
  if (a instanceof Error && (a.message !== (b as Error).message || a.name !== (b as Error).name)) return false
  if (a instanceof Map) return equalMaps(a, b as Map<unknown, unknown>, seen)
  if (a instanceof Set) return equalSets(a, b as Set<unknown>, seen)
  if (a instanceof Number || a instanceof String || a instanceof Boolean) {
    if (!Object.is(a.valueOf(), (b as { valueOf(): unknown }).valueOf())) return false
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  return keys.every((key) => Object.hasOwn(right, key) && equal(left[key], right[key], seen))
}

function equalMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>, seen: Map<object, object>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    if (!b.has(key) || !equal(value, b.get(key), seen)) return false
  }
  return true
}

function equalSets(a: Set<unknown>, b: Set<unknown>, seen: Map<object, object>): boolean {
  if (a.size !== b.size) return false
  const rest = [...b]
  for (const value of a) {
    const at = rest.findIndex((other) => equal(value, other, seen))
    if (at < 0) return false
    rest.splice(at, 1)
  }
  return true
}
