const LINE =
  /^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=[^\S\n]*("(?:[^"])*"|'(?:[^'])*'|`(?:[^`])*`|[^\n#]*)?[^\S\n]*(?:#[^\n]*)?$/gm

/** util.parseEnv: lines of `NAME=value`, quoted values over several lines, comments. */
export function parseEnv(text: string): Record<string, string> {
  const values = Object.create(null) as Record<string, string>
  for (const [, name, given = ''] of text.replaceAll('\r\n', '\n').matchAll(LINE)) {
    const trimmed = given.trim()
    const quote = trimmed[0]
    const quoted = trimmed.length > 1 && (quote === '"' || quote === "'" || quote === '`') && trimmed.endsWith(quote)
    const inside = quoted ? trimmed.slice(1, -1) : trimmed
    values[name as string] = quote === '"' && quoted ? inside.replaceAll('\\n', '\n') : inside
  }
  return values
}
