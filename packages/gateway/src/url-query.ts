/** One `name=value` of a query, decoded. */
export type QueryPair = readonly [name: string, value: string]

/** Percent-decoding that leaves alone what is not valid: a path or query of a client is data, not an error. */
export function decodeLoosely(text: string): string {
  if (text.indexOf('%') < 0) return text
  try {
    return decodeURIComponent(text)
  } catch {
    // Malformed escapes stay as they are; whoever looks the text up will not find it.
    return text
  }
}

/** Splits a query without its question mark, in order. `+` is a space. */
export function queryPairs(query: string): QueryPair[] {
  if (query.length === 0) return []
  const pairs: QueryPair[] = []
  for (const part of query.split('&')) {
    if (part.length === 0) continue
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    const value = equals < 0 ? '' : part.slice(equals + 1)
    pairs.push([decodePart(name), decodePart(value)])
  }
  return pairs
}

/** The first value of that name. */
export function queryValue(pairs: readonly QueryPair[], name: string): string | undefined {
  for (const [one, value] of pairs) if (one === name) return value
  return undefined
}

function decodePart(text: string): string {
  return decodeLoosely(text.indexOf('+') < 0 ? text : text.replaceAll('+', ' '))
}
