import { getSystemErrorMap } from 'node:util'
import { transform } from 'esbuild'
import { LIBRARY_MODULES } from './node-library-modules.ts'

/**
 * The sources of Node's own JavaScript modules, which the running Node carries in itself. The version is pinned, so they are known
 * exactly; the ones that `node-library-modules` names become functions of one script that isolates run against `guest/node`.
 */
interface Internals {
  binding(name: 'natives'): Record<string, string>
  binding(name: 'constants'): Record<string, Record<string, unknown>>
}

const PARAMETERS = 'exports, require, module, process, internalBinding, primordials'
/** So that the context of AsyncLocalStorage gets through: see guest/async-context. */
const NO_AWAIT = { 'async-await': false, 'async-generator': false, 'for-await': false }
const PRIMORDIALS_PARAMETERS = 'exports, primordials, privateSymbols, perIsolateSymbols, globalThis'

/**
 * @param guestCode a script that makes the global `library`, with its function `start`
 * @returns a classic script; its completion value is a function that takes the glue's `Core` and returns `require`
 */
export async function buildNodeLibrary(guestCode: string): Promise<string> {
  const internals = process as unknown as Internals
  const sources = internals.binding('natives')
  const modules = LIBRARY_MODULES.map(async (id) => {
    const source = sources[id]
    if (source === undefined) throw new Error(`Node ${process.version} has no internal module '${id}'`)
    return `${JSON.stringify(id)}: ${await shrunk(`(${PARAMETERS}) => {${source}\n}`, NO_AWAIT)}`
  })
  const library = await shrunk(`(() => { ${guestCode}\nreturn library.start })()`, NO_AWAIT)
  // As it is, because it takes the prototypes of real async functions.
  const primordials = await shrunk(`(${PRIMORDIALS_PARAMETERS}) => {${sources['internal/per_context/primordials']}\n}`, {})
  return `(core) => ${library}(core, {${(await Promise.all(modules)).join(',\n')}}, ${primordials}, ${constants(internals)})`
}

/** One at a time, so that the names of one do not make esbuild rename those of another, which would show in stack traces and inspect. */
async function shrunk(expression: string, supported: Record<string, boolean>): Promise<string> {
  // Assigned, because an expression that nobody uses would be left out.
  const { code } = await transform(`made = ${expression}`, {
    loader: 'js',
    target: 'node26',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    supported,
    logLevel: 'silent'
  })
  const text = code.trim()
  // Helpers stand in front where there are any.
  return text.startsWith('made=')
    ? `(${text.slice('made='.length).replace(/;$/, '')})`
    : `(() => { let made; ${text}\nreturn made })()`
}

function constants(internals: Internals): string {
  const { os, fs, zlib, crypto, trace } = internals.binding('constants')
  const uv = [...getSystemErrorMap()].map(([number, [name, text]]) => [number, name, text])
  const { METHODS } = process.getBuiltinModule('node:http')
  // Of all these numbers zlib's largest chunk alone is none that JSON has.
  return JSON.stringify({ binding: { os, fs, zlib, crypto, trace }, uv, methods: METHODS }).replace(
    '"Z_MAX_CHUNK":null',
    '"Z_MAX_CHUNK":1e999'
  )
}
