import { LIMITS, PeerlessError } from '@peerless/interface'

/** Where the files of a function seem to be, as on AWS. */
export const TASK_FOLDER = '/var/task'

/**
 * Functions have no SharedArrayBuffer, and packages ask whether there is one. Some (webidl-conversions, and jsdom by it) take the getters of its prototype without asking,
 * to see by their errors that a value is none.
 */
export const NO_SHARED_PROTOTYPE = '__peerlessNoSharedPrototype'
const REFUSES = "() { throw new TypeError('SharedArrayBuffer does not exist inside functions') }"
const NO_SHARED = `, ${NO_SHARED_PROTOTYPE} = { get byteLength${REFUSES}, get growable${REFUSES}, get maxByteLength${REFUSES} }`

/**
 * What stands before the code, all on one line. `require` is what esbuild's own shim looks for; `__peerlessImport` is what computed
 * `import()` calls are renamed to. The code gets a function of its own inside, so that it may declare names like these itself.
 */
function before(entry: string, strict: boolean, asynchronous: boolean, code: string): string {
  const file = JSON.stringify(`${TASK_FOLDER}/${entry}`)
  const folder = JSON.stringify(`${TASK_FOLDER}/${entry}`.replace(/\/[^/]*$/, ''))
  const helpers =
    'const require = globalThis.__peerlessRequire, __peerlessRequire = require, ' +
    '__peerlessImport = async (name) => { const module = require(name); return { ...module, default: module } }, ' +
    `__filename = ${file}, __dirname = ${folder}${code.includes(NO_SHARED_PROTOTYPE) ? NO_SHARED : ''};`
  return `(() => { ${helpers} return (${asynchronous ? 'async ' : ''}function () {${strict ? ' "use strict";' : ''}\n`
}
const AFTER = '\n}).call(undefined) })()\n'
/** Lines before the first line of code. */
const LINES_BEFORE = 1

export interface WrapOrder {
  /** esbuild's output in format `esm` (all imports inside), or `cjs`. */
  code: string
  format: 'esm' | 'cjs'
  /** The handler's file, for `__filename`. */
  entry: string
  /** Whether the code awaits at its top level. */
  asynchronous: boolean
}

export interface Wrapped {
  script: string
  /** The entry is CommonJS: its exports are known only when it runs. */
  commonJs: boolean
}

/**
 * A classic script whose completion value is the exports object, or a promise of it. ES modules are strict code and get an object
 * of getters, since their exports may change; CommonJS gives its `module.exports`.
 */
export function wrapScript(order: WrapOrder): Wrapped {
  const { code, entry, asynchronous } = order
  if (order.format === 'cjs') {
    const body = `var module = { exports: {} }, exports = module.exports; ${code}\nreturn module.exports`
    return { script: before(entry, false, asynchronous, code) + body + AFTER, commonJs: true }
  }
  const single = /\nexport default ([\w$]+\(\));\n$/.exec(code)
  if (single !== null) {
    const body = `${code.slice(0, single.index)}\nreturn ${single[1]}`
    return { script: before(entry, false, asynchronous, code) + body + AFTER, commonJs: true }
  }
  const clause = /(?:^|\n)export \{\n((?: {2}.*\n)*)\};\n$/.exec(code)
  const body = clause === null ? `${code}\nreturn {}` : `${code.slice(0, clause.index)}\nreturn {${getters(clause[1] ?? '')}\n}`
  return { script: before(entry, true, asynchronous, code) + body + AFTER, commonJs: false }
}

/** `local as name,` a line → `get "name"() { return local },` */
function getters(clause: string): string {
  const lines = clause.split('\n').filter((line) => line !== '')
  return lines
    .map((line) => {
      const match = /^ {2}([^\s,"]+)(?: as (.+?))?,?$/.exec(line)
      if (match === null) throw new PeerlessError('INTERNAL', `an export clause can't be read: ${line.slice(0, 200)}`)
      const name = match[2] ?? match[1]
      // A name may have escapes, which a text has too.
      return `\n  get ${name?.startsWith('"') ? name : `"${name}"`}() { return ${match[1]} },`
    })
    .join('')
}

/**
 * The map of the code as a map of the script: its lines moved down, its sources named as in the zip. undefined when it names more sources than a zip
 * may have files: executors read it outside of what limits a function, and it costs them a second for a few hundred thousand.
 */
export function shiftedMap(map: string, nameOf: (source: string) => string): string | undefined {
  const { version, sources, names, mappings } = JSON.parse(map) as {
    version: number
    sources: string[]
    names: string[]
    mappings: string
  }
  if (sources.length > LIMITS.zipFilesMax) return undefined
  return JSON.stringify({ version, sources: sources.map(nameOf), names, mappings: ';'.repeat(LINES_BEFORE) + mappings })
}
