import { PeerlessError } from '@peerless/interface'
import { type Loader, type Message, type TransformFailure, transform } from 'esbuild'

/**
 * `require('./' + x)` makes esbuild look for every file that could be meant: on the disk of this machine, above the zip's folder
 * too when the text begins with '../', and with no way to turn that off. So such calls are renamed before the bundler sees them,
 * to the functions of the script's wrapper that ask the guest's `__peerlessRequire` at run time.
 *
 * Where they are says esbuild itself: the same parser, run over the one file without bundling, reports each call whose argument is
 * no literal. A search by text decides only whether that run is needed, and errs on the side of running it.
 */
export async function renameComputedCalls(text: string, loader: Loader, path: string): Promise<string> {
  if (!mayHaveComputedCalls(text)) return text
  const places = (await report(text, loader)).filter(
    ({ id, location }) => location !== null && (id === COMPUTED_REQUIRE || id === COMPUTED_IMPORT)
  )
  return places.length === 0 ? text : replaced(text, places, path)
}

const COMPUTED_REQUIRE = 'unsupported-require-call'
const COMPUTED_IMPORT = 'unsupported-dynamic-import'

/** Names in the script's wrapper; see script-wrapper.ts. */
const REPLACEMENTS: readonly (readonly [string, string])[] = [
  ['require', '__peerlessRequire'],
  ['import', '__peerlessImport']
]

const LITERAL_ARGUMENT = String.raw`\s*\(\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*\)`
/** `require` in any use but a call with one plain literal, also when spelled with escapes. */
const REQUIRE_OTHERWISE = new RegExp(String.raw`\brequire\b(?!${LITERAL_ARGUMENT})|\\u(?:00|\{0*)(?:72|65|71|75|69)`, 'i')
/** `import(` of anything but one plain literal; a comment may stand before the parenthesis, or a phase. */
const IMPORT_OTHERWISE = new RegExp(String.raw`\bimport(?!${LITERAL_ARGUMENT})\s*(?:\(|/[/*]|\.\s*(?!meta\b))`)

function mayHaveComputedCalls(text: string): boolean {
  return REQUIRE_OTHERWISE.test(text) || IMPORT_OTHERWISE.test(text)
}

async function report(text: string, loader: Loader): Promise<Message[]> {
  try {
    const { warnings } = await transform(text, {
      loader,
      // Without a format esbuild leaves `require` alone and reports nothing.
      format: 'esm',
      target: 'esnext',
      tsconfigRaw: '{}',
      sourcemap: false,
      logLevel: 'silent',
      logLimit: 0,
      logOverride: { [COMPUTED_REQUIRE]: 'warning', [COMPUTED_IMPORT]: 'warning' }
    })
    return warnings
  } catch (error) {
    // The bundler will report what is wrong with the file. Some errors don't end the parse, so what was seen still counts.
    return (error as Partial<TransformFailure>).warnings ?? []
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
