const IS_MODULE = /(?:^|[\n;])\s*(?:import|export)\b/
/** `createRequire` for the module itself, as it is or as a member of what was imported. */
const CREATED = String.raw`(?:\(0, ?)?(?:[\w$]+\.)?createRequire\)?\(\s*import\.meta\.(?:url|filename)\s*\)`
const DECLARED = new RegExp(
  String.raw`(?<=\b(?:const|let|var)\s+)([\w$]+)(?=\s*(?::[^=;\n]{1,60})?=\s*${CREATED}(?!\s*[.(]))`,
  'g'
)
const LITERAL = String.raw`(?=\s*\(\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*,?\s*\))`
const AT_ONCE = new RegExp(CREATED + LITERAL, 'g')
/** What the function is called instead, so that `require` is the bundler's. */
const HIDDEN = '__peerlessCreatedRequire'

/**
 * In ES modules what is no ES module is loaded by `const require = createRequire(import.meta.url)`. For the bundler that is a function like any other: it would not
 * take along what `require('./data.json')` asks for. So calls with a literal become calls of the `require` that the bundler knows. What else is done with
 * the function (`require.resolve`, computed names) remains, and happens at run time.
 */
export function requiredByBundler(text: string): string {
  if (!text.includes('createRequire') || !IS_MODULE.test(text)) return text
  let changed = text.replace(AT_ONCE, 'require')
  for (const [, name] of text.matchAll(DECLARED)) {
    if (name !== 'require') changed = changed.replace(callsOf(name as string), 'require')
    // Its other uses would lose it.
    else if (!OTHERWISE.test(text)) changed = changed.replace(DECLARED, (found) => (found === 'require' ? HIDDEN : found))
  }
  return changed
}

/** `require` in any use but a call with a literal, as code has it: words of a text go on with a word. */
const OTHERWISE = new RegExp(
  String.raw`(?<![\w$.])(?<!\b(?:const|let|var)\s+)require(?![\w$])(?!${LITERAL.slice(3, -1)})(?=\s*(?:[.([,;)\]}?:]|$))`,
  'm'
)

function callsOf(name: string): RegExp {
  return new RegExp(String.raw`(?<![\w$.])${name.replaceAll('$', '\\$')}${LITERAL}`, 'g')
}
