import { ApiError } from './api-error.ts'

/** CloudWatch Logs API reference, FilterLogEvents. */
const PATTERN_CHARS_MAX = 1_024

/**
 * Reads a filter pattern of CloudWatch Logs: terms that must all be there, `?` before terms of which one must be, `-` before those that must not; quotes join
 * several words to one term. Capitals matter.
 * @throws ApiError for the other kinds of pattern (JSON, columns, regular expressions): to show everything would be worse
 */
export function patternOf(text: string): (message: string) => boolean {
  const pattern = text.trim()
  if (pattern.length > PATTERN_CHARS_MAX)
    throw refusedPattern(`filterPattern has ${pattern.length} characters; it may have ${PATTERN_CHARS_MAX}`)
  if (/^[{[]|%/.test(pattern))
    throw refusedPattern(
      `filterPattern '${pattern.slice(0, 64)}' is of a kind that is not here: terms, "several words", ?one ?of and -without are`
    )
  const all: string[] = []
  const some: string[] = []
  const none: string[] = []
  for (const [, sign, quoted, word = ''] of pattern.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/g)) {
    const term = quoted === undefined ? word : quoted.replace(/\\(.)/g, '$1')
    const terms = sign === '?' ? some : sign === '-' ? none : all
    terms.push(term)
  }
  return (message) =>
    all.every((term) => message.includes(term)) &&
    // Beside terms that must be there those that may be say nothing.
    (all.length > 0 || some.length === 0 || some.some((term) => message.includes(term))) &&
    !none.some((term) => message.includes(term))
}

function refusedPattern(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'InvalidParameterException', message)
}
