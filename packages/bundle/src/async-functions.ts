/** esbuild's own, where no module has the name. */
const HELPER = '\nvar __async = ('
/** The head of a function that it compiled: its parameters are names, or one rest; its body is a call of the helper. */
const ARROW = /\([^()\n]*\) => __async\(/g
const OTHER = /(?:\bfunction(?: [\w$]+)?|(?<![\w$#])[\w$#]+|"[^"\\\n]*"|\[[^[\]\n]*\])\([^()\n]*\) \{\n\s*return __async\(/g
/** An asynchronous generator that does nothing; its lines are kept. */
const EMPTY = /\bfunction\(\) \{\n(\s*return) __asyncGenerator\(this, (?:null|arguments), function\* \(\) \{\n\s*\}\);\n\s*\}/g

/**
 * Functions whose `await` was compiled into callbacks are plain ones for who asks (`fn[Symbol.toStringTag]`, `fn.constructor.name`,
 * `util.types.isAsyncFunction`), and packages do ask whether they shall wait for a promise or give a callback: `async` would wait for ever. So the function around
 * becomes an async one again; it awaits nothing, so there is nothing that the store of AsyncLocalStorage could be lost in. The same holds for asynchronous generators that
 * are empty: they are written to get at the prototypes of the others (`whatwg-url`, and all that comes with it).
 *
 * @param code what esbuild printed without async functions; lines stay where they are
 */
export function againAsync(code: string): string {
  const again = code.replace(EMPTY, 'async function* () {\n$1;\n\n}')
  if (!code.includes(HELPER)) return again
  return again.replace(ARROW, 'async $&').replace(OTHER, 'async $&')
}
