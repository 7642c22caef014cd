const LITERAL = String.raw`(?:\.resolve)?\s{0,9}\(\s{0,9}(?:"[^"\\\n]*"|'[^'\\\n]*')\s{0,9},?\s{0,9}\)`
/** The module that it is made for: this one. What rollup writes for `import.meta.url` where it makes CommonJS of an ES module comes last. */
const ITSELF = String.raw`(?:import\.meta\.(?:url|filename)|__filename|\(typeof document === 'undefined' \? require\('u' \+ 'rl'\)\.pathToFileURL\(__filename\)\.href : [^;\n]{1,400}\))`
/** Other names that it is imported by, as bundlers do. */
const ALIAS = /\bcreateRequire as ([\w$]{1,99})/g
/** What esbuild has CommonJS call in ES modules. Where it is minified its name may be another function's too, so calls stay as they are. */
const SHIM = /\bvar (__require\d{0,3}) = \/\* @__PURE__ \*\/ \(\(x\) => typeof require [\s\S]{0,400}?is not supported'\);\n\}\)/g
/** `require` in any use but a call with a literal (or of its `resolve`), as code has it: words of a text go on with a word. */
const OTHERWISE = new RegExp(String.raw`(?<![\w$.])require(?![\w$])(?!${LITERAL})(?=\s{0,9}(?:[.([,;)\]}?:]|$))`, 'm')
/** What the function is called instead, so that `require` is the bundler's. */
const HIDDEN = '__peerlessCreatedRequire'
/** A module declares one; each is a search of its own. */
const DECLARED_MAX = 8

/**
 * In ES modules what is no ES module is loaded by `const require = createRequire(import.meta.url)`. For the bundler that is a function like any other: it would not
 * take along what `require('./data.json')` asks for. So calls with a literal become calls of the `require` that the bundler knows. What else is done with
 * the function (computed names) remains, and happens at run time. So it is with the function by which CommonJS calls `require` in
 * ES modules that esbuild made: what an author bundled asks for the same modules as before.
 */
export function requiredByBundler(text: string): string {
  const shims = text.includes('typeof require') ? [...text.matchAll(SHIM)].slice(0, DECLARED_MAX) : []
  if (shims.length === 0 && !text.includes('createRequire')) return text
  const { declared, atOnce } = patterns(text)
  const names = [...text.matchAll(declared)].map(([, , name]) => name as string)
  let changed = text.replace(atOnce, 'require')
  for (const name of [...names.slice(0, DECLARED_MAX), ...shims.map(([, name]) => name as string)]) {
    if (name !== 'require') changed = changed.replace(callsOf(name), 'require')
  }
  // Its other uses would lose it; those of the shim ask for what is there by whatever name.
  const others = shims.reduce((rest, [shim]) => rest.replace(shim, ''), text.replace(declared, '$1'))
  const free = names.includes('require') && !OTHERWISE.test(others)
  return free
    ? changed.replace(declared, (_, before: string, name: string) => before + (name === 'require' ? HIDDEN : name))
    : changed
}

/** `createRequire` for the module itself, as it is or as a member of what was imported. Blanks are bounded: text is searched in linear time. */
function patterns(text: string): { declared: RegExp; atOnce: RegExp } {
  const aliases = [...text.matchAll(ALIAS)].slice(0, DECLARED_MAX).map(([, name]) => (name as string).replaceAll('$', '\\$'))
  const create = ['createRequire', ...aliases].join('|')
  const created = String.raw`(?:\(0, ?)?(?<![\w$])(?:[\w$]{1,99}\.)?(?:${create})\)?\(\s{0,9}${ITSELF}\s{0,9}\)`
  return {
    declared: new RegExp(
      String.raw`\b((?:const|let|var)\s{1,9})([\w$]{1,99})(?=(?:\s{0,9}:[^=;\n]{1,60})?\s{0,9}=\s{0,9}${created}(?!\s{0,9}[.(]))`,
      'g'
    ),
    atOnce: new RegExp(`${created}(?=${LITERAL})`, 'g')
  }
}

function callsOf(name: string): RegExp {
  return new RegExp(String.raw`(?<![\w$.])${name.replaceAll('$', '\\$')}(?=${LITERAL})`, 'g')
}
