import { jsonStringify } from '../intrinsics.guest.ts'

const IGNORECASE = 2
const MULTILINE = 8
const DOTALL = 16
const VERBOSE = 64
const INLINE: Readonly<Record<string, number>> = { i: IGNORECASE, m: MULTILINE, s: DOTALL, x: VERBOSE, u: 0, a: 0 }

/** Python's `\w` and `\d` are of all alphabets, JavaScript's of English. */
const WORD = '\\p{L}\\p{N}_'
const BOUNDARY = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`
const NO_BOUNDARY = `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`
const END = '(?![\\s\\S])'
const START = '(?<![\\s\\S])'
const OUTSIDE: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
  b: BOUNDARY,
  B: NO_BOUNDARY,
  A: START,
  Z: END,
  a: '\\x07'
}
const INSIDE: Readonly<Record<string, string>> = { d: '\\p{Nd}', D: '\\P{Nd}', w: WORD, a: '\\x07' }
const QUANTIFIER = /^\{(\d*)(,?)(\d*)\}/
const SYNTAX = '^$\\.*+?()[]{}|/-'

interface Compiled {
  search: RegExp
  match: RegExp
  full: RegExp
  groups: number
  names: Record<string, number>
}

const COMPILED_MAX = 256
const compiled = new Map<string, Compiled>()

/** @returns JSON: `groups` and `names`, or `error` */
export function regex(pattern: string, flags: number): string {
  try {
    const { groups, names } = compile(pattern, flags)
    return jsonStringify({ groups, names })
  } catch (error) {
    return jsonStringify({ error: (error as Error).message.replace(/^Invalid regular expression: .*: /s, '') })
  }
}

type How = 'search' | 'match' | 'full'

/** Of a match and of each of its groups: where in the text, and the text; null for a group that took no part. */
type Found = [places: ([number, number] | null)[], texts: (string | null)[]]

/**
 * @param from in code points, as Python counts
 * @param limit 0: all of them
 * @param pieces whether the text between the matches is wanted too: to cut a text by places, Python counts its characters from the beginning each time
 * @returns JSON: the matches, their places in code points; with `pieces`, the text before each of them and that after the last
 */
export function find(
  pattern: string,
  flags: number,
  text: string,
  how: How,
  from: number,
  limit: number,
  pieces = false
): string {
  const expression = compile(pattern, flags)[how]
  const place = placesOf(text)
  const start = place === undefined ? from : place.indexOf(from)
  if (start < 0) return jsonStringify({ matches: [], between: [text] })
  expression.lastIndex = start
  const matches: Found[] = []
  const between: string[] = []
  let last = 0
  for (;;) {
    const match = expression.exec(text)
    if (match?.indices === undefined) break
    const at = (index: number) => place?.[index] ?? index
    const places = match.indices.map((span): [number, number] | null => (span === undefined ? null : [at(span[0]), at(span[1])]))
    matches.push([places, Array.from(match, (part) => (part as string | undefined) ?? null)])
    if (pieces) between.push(text.slice(last, match.index))
    last = match.index + match[0].length
    if (matches.length === limit) break
    if (match[0] === '') expression.lastIndex = match.index + ((text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1)
  }
  return jsonStringify(pieces ? { matches, between: [...between, text.slice(last)] } : { matches })
}

/** From places in UTF-16 to places in code points; undefined where both are the same. */
function placesOf(text: string): number[] | undefined {
  if (!/[\u{10000}-\u{10ffff}]/u.test(text)) return undefined
  const places: number[] = []
  let count = 0
  for (const one of text) {
    for (let index = 0; index < one.length; index++) places.push(count)
    count++
  }
  places.push(count)
  return places
}

function compile(pattern: string, flags: number): Compiled {
  const key = `${flags} ${pattern}`
  const kept = compiled.get(key)
  if (kept !== undefined) return kept
  const { source, flags: all, names } = translate(pattern, flags)
  const options = `du${(all & IGNORECASE) !== 0 ? 'i' : ''}${(all & MULTILINE) !== 0 ? 'm' : ''}${(all & DOTALL) !== 0 ? 's' : ''}`
  const made = {
    search: new RegExp(source, `${options}g`),
    match: new RegExp(source, `${options}y`),
    full: new RegExp(`(?:${source})${END}`, `${options}y`),
    groups: (new RegExp(`${source}|`, options).exec('')?.length ?? 1) - 1,
    names
  }
  if (compiled.size >= COMPILED_MAX) compiled.clear()
  compiled.set(key, made)
  return made
}

/** From Python's syntax to JavaScript's. What has no counterpart (conditionals, atomic groups) is left for V8 to refuse. */
function translate(pattern: string, given: number): { source: string; flags: number; names: Record<string, number> } {
  let flags = given
  let rest = pattern
  const inline = /^\(\?([aimsux]+)\)/.exec(rest)
  if (inline !== null) {
    for (const letter of inline[1] ?? '') flags |= INLINE[letter] ?? 0
    rest = rest.slice(inline[0].length)
  }
  const names: Record<string, number> = {}
  const verbose = (flags & VERBOSE) !== 0
  let source = ''
  let groups = 0
  let inClass = false
  for (let at = 0; at < rest.length; ) {
    const one = rest[at] as string
    const ahead = rest.slice(at)
    if (one === '\\') {
      const escaped = escapeOf(ahead, inClass)
      source += escaped.source
      at += escaped.length
    } else if (inClass) {
      inClass = one !== ']'
      source += one === '[' ? '\\[' : one
      at++
    } else if (one === '[') {
      // A bracket that comes first is a character.
      const [begin = '['] = /^\[\^?\]?/.exec(ahead) ?? []
      source += begin.replace(']', '\\]')
      at += begin.length
      inClass = true
    } else if (one === '(') {
      const named = /^\(\?P<([^>]*)>/.exec(ahead)
      const again = /^\(\?P=([^)]*)\)/.exec(ahead)
      const comment = /^\(\?#[^)]*\)/.exec(ahead)
      if (again !== null) source += `\\k<${again[1]}>`
      else if (comment === null) source += named === null ? '(' : `(?<${named[1]}>`
      if (named !== null || /^\((?!\?)/.test(ahead)) groups++
      if (named?.[1] !== undefined) names[named[1]] = groups
      at += (named ?? again ?? comment ?? ['('])[0].length
    } else if (one === '$') {
      source += (flags & MULTILINE) !== 0 ? '(?=\\n|(?![\\s\\S]))' : `(?=\\n?${END})`
      at++
    } else if (one === '{') {
      const [whole, least = '', comma = '', most = ''] = QUANTIFIER.exec(ahead) ?? []
      if (whole === undefined || least + most === '') source += '\\{'
      else source += `{${least === '' ? '0' : least}${comma}${most}}`
      at += whole === undefined || least + most === '' ? 1 : whole.length
    } else if (one === '}' || one === ']') {
      source += `\\${one}`
      at++
    } else if (verbose && /\s/.test(one)) {
      at++
    } else if (verbose && one === '#') {
      at += /^[^\n]*/.exec(ahead)?.[0].length ?? 1
    } else {
      const character = String.fromCodePoint(rest.codePointAt(at) as number)
      source += character
      at += character.length
    }
  }
  return { source, flags, names }
}

function escapeOf(ahead: string, inClass: boolean): { source: string; length: number } {
  const numbered = /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[1-9]\d?)/.exec(ahead)
  if (numbered !== null) return { source: numbered[0], length: numbered[0].length }
  const long = /^\\U([0-9a-fA-F]{8})/.exec(ahead)
  if (long !== null) return { source: `\\u{${long[1]}}`, length: long[0].length }
  const letter = ahead[1] ?? ''
  const known = (inClass ? INSIDE : OUTSIDE)[letter]
  if (known !== undefined) return { source: known, length: 2 }
  if (/[A-Za-z0-9]/.test(letter)) return { source: `\\${letter}`, length: 2 }
  return { source: SYNTAX.includes(letter) && (inClass || letter !== '-') ? `\\${letter}` : letter, length: 1 + letter.length }
}
