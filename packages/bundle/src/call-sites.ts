import { PeerlessError } from '@peerless/interface'
import { type Loader, type Message, transform } from 'esbuild'
import { messagesOf } from './esbuild-errors.ts'

/** Errors of esbuild about one file, for the bundler to report in its place. */
export class SourceMessages extends Error {
  readonly messages: readonly Message[]

  constructor(messages: readonly Message[]) {
    super(messages[0]?.text ?? 'the source is broken')
    this.messages = messages
  }
}

/**
 * `require('./' + x)` makes esbuild look for every file that could be meant: on the disk of this machine, above this process's
 * folder too when the text begins with '../', and with no way to turn that off. So such calls are renamed before the bundler sees
 * them, to functions of the script's wrapper that ask the guest's `__peerlessRequire` at run time.
 *
 * Where they are says esbuild itself: the same parser, run over the one file without bundling, reports each call whose argument is
 * no literal. A search by text decides only whether that run is needed, and errs on the side of running it. A file that this run
 * refuses never reaches the bundler.
 * @throws SourceMessages, INVALID_SOURCE
 */
export async function renameComputedCalls(text: string, loader: Loader, path: string): Promise<string> {
  if (!mayHaveComputedCalls(text)) return text
  const { code, warnings } = await parse(text, loader)
  // Only when bundling, esbuild takes `module.require` for `require`; here it shows in the code, printed in its one normal form.
  if (COMPUTED_MODULE_REQUIRE.test(code)) {
    throw new PeerlessError('INVALID_SOURCE', `${path}: module.require with a computed name can't be bundled`)
  }
  const places = warnings.filter(({ id, text: reason, location }) => location !== null && isComputed(id, reason))
  return places.length === 0 ? text : replaced(text, places, path)
}

const COMPUTED_REQUIRE = 'unsupported-require-call'
const COMPUTED_IMPORT = 'unsupported-dynamic-import'

/** The same ids also stand for "Converting "require" to "esm" is currently not supported", which is said of literal names too. */
function isComputed(id: string, reason: string): boolean {
  return (id === COMPUTED_REQUIRE || id === COMPUTED_IMPORT) && reason.includes('will not be bundled')
}

/** Names in the script's wrapper; see script-wrapper.ts. */
const REPLACEMENTS: readonly (readonly [string, string])[] = [
  ['require', '__peerlessRequire'],
  ['import', '__peerlessImport']
]

const LITERAL_ARGUMENT = String.raw`\s*\(\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*\)`
/** `require` in any use but a call with one plain literal. */
const REQUIRE_OTHERWISE = new RegExp(String.raw`\brequire\b(?!${LITERAL_ARGUMENT})`)
/** `import(` of anything but one plain literal; a comment may stand before the parenthesis, or a phase. */
const IMPORT_OTHERWISE = new RegExp(String.raw`\bimport(?!${LITERAL_ARGUMENT})\s*(?:\(|/[/*]|\.\s*(?!meta\b))`)
/** `module` in any use but a property's that is not `require`. */
const MODULE_OTHERWISE = /\bmodule\b(?!\s*\.\s*(?!require\b)[A-Za-z_$])/
/** A letter spelled as an escape, as identifiers may be. */
const ESCAPED_LETTER = /\\u(?:00[4-7]|\{0*[4-7])/
const COMPUTED_MODULE_REQUIRE = new RegExp(
  String.raw`\bmodule(?:\.require|\[["'\x60]require["'\x60]\])(?!${LITERAL_ARGUMENT})\s*\(`
)

function mayHaveComputedCalls(text: string): boolean {
  return [REQUIRE_OTHERWISE, IMPORT_OTHERWISE, MODULE_OTHERWISE, ESCAPED_LETTER].some((pattern) => pattern.test(text))
}

/** Without a format esbuild leaves `require` alone; what strict code forbids parses only as CommonJS. */
async function parse(text: string, loader: Loader): Promise<{ code: string; warnings: Message[] }> {
  const run = (format: 'esm' | 'cjs') =>
    transform(text, {
      loader,
      format,
      target: 'node24',
      tsconfigRaw: '{}',
      minifyWhitespace: true,
      legalComments: 'none',
      sourcemap: false,
      logLevel: 'silent',
      logLimit: 0,
      logOverride: { [COMPUTED_REQUIRE]: 'warning', [COMPUTED_IMPORT]: 'warning' }
    })
  try {
    return await run('esm')
  } catch (first) {
    try {
      return await run('cjs')
    } catch {
      // The first error is about the code as it is; the second may be about the format.
      const messages = messagesOf(first)
      throw messages === undefined ? first : new SourceMessages(messages)
    }
  }
}

/** Works on bytes, as esbuild's columns do. */
function replaced(text: string, places: readonly Message[], path: string): string {
  const bytes = Buffer.from(text)
  const starts = lineStarts(text)
  const parts: Buffer[] = []
  let done = 0
  const offsets = places.map(({ location }) => (starts[(location?.line ?? 0) - 1] ?? -1) + (location?.column ?? 0))
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) {
    const found = REPLACEMENTS.find(([name]) => bytes.subarray(offset, offset + name.length).toString('latin1') === name)
    if (found === undefined || offset < done) {
      throw new PeerlessError('INVALID_SOURCE', `${path}: a call of require or import with a computed name can't be read`)
    }
    parts.push(bytes.subarray(done, offset), Buffer.from(found[1]))
    done = offset + found[0].length
  }
  parts.push(bytes.subarray(done))
  return Buffer.concat(parts).toString()
}

/** Byte offset of each line, by ECMAScript's line terminators. */
function lineStarts(text: string): number[] {
  const starts = [0]
  let at = 0
  let from = 0
  for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) {
    const end = match.index + match[0].length
    at += Buffer.byteLength(text.slice(from, end))
    from = end
    starts.push(at)
  }
  return starts
}
