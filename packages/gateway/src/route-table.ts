import { ANY, decodeSegment, type RoutePattern } from './route-pattern.ts'

/** What a request matched. */
export interface RouteMatch<Value> {
  readonly value: Value
  /** Decoded. */
  readonly parameters: Readonly<Record<string, string>>
}

interface Leaf<Value> {
  readonly pattern: RoutePattern
  readonly value: Value
}

interface Node<Value> {
  readonly literals: Map<string, Node<Value>>
  parameter: Node<Value> | undefined
  /** By method; what ends here, and what takes all that follows. */
  readonly here: Map<string, Leaf<Value>>
  readonly greedy: Map<string, Leaf<Value>>
}

/**
 * Routes of one host. The most specific path that has the method wins: segment by segment from the left, text before a parameter before
 * all that is left; at the same path, the method itself before ANY; `$default` when nothing else matches. A request visits at most as many
 * nodes as there are, so no path makes it slow.
 */
export class RouteTable<Value> {
  readonly #root: Node<Value> = newNode()
  #default: Leaf<Value> | undefined

  /** A later route with the same shape takes the place of the earlier one. */
  add(pattern: RoutePattern, value: Value): void {
    const leaf = { pattern, value }
    if (pattern.segments === undefined) {
      this.#default = leaf
      return
    }
    let node = this.#root
    for (const { kind, text } of pattern.segments) {
      if (kind === 'greedy') {
        node.greedy.set(pattern.method, leaf)
        return
      }
      node = kind === 'literal' ? literalOf(node, text) : parameterOf(node)
    }
    node.here.set(pattern.method, leaf)
  }

  /**
   * @param rawPath from the first slash, not decoded
   * @returns undefined when no route matches; `malformed` when an escape in it is not UTF-8
   */
  match(method: string, rawPath: string): RouteMatch<Value> | 'malformed' | undefined {
    const segments: string[] = []
    for (const segment of rawPath.slice(1).split('/')) {
      const decoded = decodeSegment(segment)
      if (decoded === undefined) return 'malformed'
      segments.push(decoded)
    }
    const leaf = find(this.#root, segments, 0, method) ?? this.#default
    return leaf === undefined ? undefined : { value: leaf.value, parameters: parametersOf(leaf.pattern, segments) }
  }
}

function find<Value>(node: Node<Value>, segments: readonly string[], at: number, method: string): Leaf<Value> | undefined {
  if (at === segments.length) return node.here.get(method) ?? node.here.get(ANY)
  const segment = segments[at] as string
  const literal = node.literals.get(segment)
  const found = literal === undefined ? undefined : find(literal, segments, at + 1, method)
  if (found !== undefined) return found
  // A parameter stands for something: `/users/` is not `/users/{id}`.
  if (segment !== '' && node.parameter !== undefined) {
    const deeper = find(node.parameter, segments, at + 1, method)
    if (deeper !== undefined) return deeper
  }
  const rest = segment !== '' || at + 1 < segments.length
  return rest ? (node.greedy.get(method) ?? node.greedy.get(ANY)) : undefined
}

function parametersOf(pattern: RoutePattern, segments: readonly string[]): Record<string, string> {
  const values = (pattern.segments ?? []).flatMap(({ kind, text }, index): [name: string, value: string][] => {
    if (kind === 'literal') return []
    return [[text, kind === 'parameter' ? (segments[index] as string) : segments.slice(index).join('/')]]
  })
  // Not assigned one by one: a parameter may be called `__proto__`.
  return Object.fromEntries(values)
}

function newNode<Value>(): Node<Value> {
  return { literals: new Map(), parameter: undefined, here: new Map(), greedy: new Map() }
}

function literalOf<Value>(node: Node<Value>, text: string): Node<Value> {
  const known = node.literals.get(text)
  if (known !== undefined) return known
  const made = newNode<Value>()
  node.literals.set(text, made)
  return made
}

function parameterOf<Value>(node: Node<Value>): Node<Value> {
  node.parameter ??= newNode()
  return node.parameter
}
