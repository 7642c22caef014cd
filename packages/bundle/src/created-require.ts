import { isModule } from './module-place.ts'

const LITERAL = String.raw`\s{0,9}\(\s{0,9}(?:"[^"\\\n]*"|'[^'\\\n]*')\s{0,9},?\s{0,9}\)`
/** `createRequire` for the module itself, as it is or as a member of what was imported. Blanks are bounded: text is searched in linear time. */
const CREATED = String.raw`(?:\(0, ?)?(?<![\w$])(?:[\w$]{1,99}\.)?createRequire\)?\(\s{0,9}import\.meta\.(?:url|filename)\s{0,9}\)`
const DECLARED = new RegExp(
  String.raw`\b((?:const|let|var)\s{1,9})([\w$]{1,99})(?=(?:\s{0,9}:[^=;\n]{1,60})?\s{0,9}=\s{0,9}${CREATED}(?!\s{0,9}[.(]))`,
  'g'
)
const AT_ONCE = new RegExp(`${CREATED}(?=${LITERAL})`, 'g')
/** `require` in any use but a call with a literal, as code has it: words of a text go on with a word. */
const OTHERWISE = new RegExp(String.raw`(?<![\w$.])require(?![\w$])(?!${LITERAL})(?=\s{0,9}(?:[.([,;)\]}?:]|$))`, 'm')
/** What the function is called instead, so that `require` is the bundler's. */
const HIDDEN = '__peerlessCreatedRequire'
/** A module declares one; each is a search of its own. */
const DECLARED_MAX = 8

/**
 * In ES modules what is no ES module is loaded by `const require = createRequire(import.meta.url)`. For the bundler that is a function like any other: it would not
 * take along what `require('./data.json')` asks for. So calls with a literal become calls of the `require` that the bundler knows. What else is done with
 * the function (`require.resolve`, computed names) remains, and happens at run time.
 */
export function requiredByBundler(text: string): string {
  if (!text.includes('createRequire') || !isModule(text)) return text
  const names = [...text.matchAll(DECLARED)].map(([, , name]) => name as string)
  let changed = text.replace(AT_ONCE, 'require')
  for (const name of names.slice(0, DECLARED_MAX)) {
    if (name !== 'require') changed = changed.replace(callsOf(name), 'require')
  }
  // Its other uses would lose it.
  const free = names.includes('require') && !OTHERWISE.test(text.replace(DECLARED, '$1'))
  return free
    ? changed.replace(DECLARED, (_, before: string, name: string) => before + (name === 'require' ? HIDDEN : name))
    : changed
}

function callsOf(name: string): RegExp {
  return new RegExp(String.raw`(?<![\w$.])${name.replaceAll('$', '\\$')}(?=${LITERAL})`, 'g')
}
