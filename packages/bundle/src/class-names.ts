/** How esbuild begins a class, alone at the end of its line: by the variable that it is given to, or by its own name. */
const HEADER = /^\s*(?:var|let|const) ([\w$]+) = class(?: extends .*)? \{$|\bclass (?!extends\b)([\w$]+)(?: extends .*)? \{$/
/** Longer lines are data, and searching those costs more than a name is worth. */
const HEADER_CHARACTERS_MAX = 300
/** A number may be esbuild's: all modules share one scope, where a name that is taken gets one. */
const NUMBERED = /[2-9]\d*$/
/** So may the line: a class at the top level that names itself becomes an expression, whose own name must not hide the variable's. */
const LINED = /\b(?:var|let|const) [\w$]+ = class _/
/** What says its name itself needs no other: authors do, and code that was bundled here before. */
const SAYS_NAME = /^\s*static get name\(\) \{$/
/** What the author called a class stands at its beginning where esbuild was told to keep names. */
const KEPT = /^\s*static \{\n\s*__name\(this, "([\w$]+)"\);$/

interface Header {
  readonly line: number
  readonly name: string
  /** Perhaps by esbuild, and then not what its author called it. */
  readonly renamed: boolean
}

/**
 * Gives the classes that esbuild had to rename the name that their author gave them: `error.name`, `constructor.name` and `new.target.name` tell callers what has
 * happened. Only those, because esbuild's own `keepNames` makes every function define its name each time that it is made.
 *
 * @param code what esbuild made, without `keepNames`; lines stay where they are
 * @param withNames makes the same with `keepNames`; asked only where a class may have been renamed
 */
export async function keepClassNames(code: string, withNames: () => Promise<string>): Promise<string> {
  const lines = code.split('\n')
  const headers = headersOf(lines)
  if (!headers.some(({ renamed }) => renamed)) return code
  const named = (await withNames()).split('\n')
  const same = headersOf(named)
  // Names are no key: those of inner scopes come more than once. The order is the same in both.
  if (same.length !== headers.length) return code
  for (const [index, { line, name }] of headers.entries()) {
    const at = (same[index] as Header).line + 1
    const author = KEPT.exec(named.slice(at, at + 2).join('\n'))?.[1]
    // What the class itself says of its name comes behind this, and counts.
    if (author !== undefined && author !== name) lines[line] += ` static get name() { return "${author}"; }`
  }
  return lines.join('\n')
}

function headersOf(lines: readonly string[]): Header[] {
  return lines.flatMap((text, line) => {
    if (text.length > HEADER_CHARACTERS_MAX || !text.endsWith('{')) return []
    const [, variable, own] = HEADER.exec(text) ?? []
    const name = variable ?? own
    if (name === undefined) return []
    const renamed = (NUMBERED.test(name) || LINED.test(text)) && !SAYS_NAME.test(lines[line + 1] ?? '')
    return [{ line, name, renamed }]
  })
}
