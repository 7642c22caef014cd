import { ANY, type RoutePattern } from './route-pattern.ts'

/** Whether a path is for one of two: `none` when there is none that both match. */
type Preferred = 'first' | 'second' | 'same' | 'none'

/** Whether a table that has `other` would lead some of its requests to `added` instead (RouteTable says which wins). */
export function takesFrom(added: RoutePattern, other: RoutePattern): boolean {
  if (added.method !== other.method && added.method !== ANY && other.method !== ANY) return false
  // Whatever matches nothing else.
  if (added.segments === undefined) return false
  if (other.segments === undefined) return true
  const preferred = preferredPath(added.segments, other.segments)
  return preferred === 'first' || (preferred === 'same' && added.method !== ANY && other.method === ANY)
}

type Segments = NonNullable<RoutePattern['segments']>

/** The first segment in which two differ decides: text goes before a parameter, a parameter before all that is left. */
function preferredPath(first: Segments, second: Segments): Preferred {
  let preferred: Preferred = 'same'
  for (let at = 0; at < first.length || at < second.length; at++) {
    const [a, b] = [first[at], second[at]]
    if (a === undefined || b === undefined) return 'none'
    if (a.kind === 'greedy' || b.kind === 'greedy') {
      if (a.kind === b.kind) return preferred
      // All that is left is something: `/files/` is not `/files/{name+}`.
      const rest = a.kind === 'greedy' ? second.slice(at) : first.slice(at)
      if (rest.length === 1 && isEmpty(rest[0])) return 'none'
      return decided(preferred, a.kind === 'greedy' ? 'second' : 'first')
    }
    if (a.kind === b.kind) {
      if (a.kind === 'literal' && a.text !== b.text) return 'none'
      continue
    }
    if (isEmpty(a) || isEmpty(b)) return 'none'
    preferred = decided(preferred, a.kind === 'literal' ? 'first' : 'second')
  }
  return preferred
}

function decided(before: Preferred, now: Preferred): Preferred {
  return before === 'same' ? now : before
}

function isEmpty(segment: Segments[number] | undefined): boolean {
  return segment?.kind === 'literal' && segment.text === ''
}
