import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Plugin, transform } from 'esbuild'

const require = createRequire(import.meta.url)
const PACKAGE = '@micropython/micropython-webassembly-pyscript'
/** Where its loader takes what it gives to Emscripten's part; `module` in its options is ours. */
const OPTIONS_BEFORE = 'let Module={locateFile:'
const OPTIONS_AFTER = 'let Module={...options.module,locateFile:'

/** The interpreter as base64, since what isolates get of the glue is text. */
export async function micropythonBinary(): Promise<string> {
  return (await readFile(micropythonPath())).toString('base64')
}

export function micropythonPath(): string {
  return require.resolve(`${PACKAGE}/micropython.wasm`)
}

/** Modules of Python's standard library that the interpreter lacks, and what is added to others. JSON: path below the folder → source. */
export async function pythonModules(folder: string): Promise<{ json: string; inputs: string[] }> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.py')).sort()
  const inputs = files.map((file) => join(folder, file))
  const sources = await Promise.all(
    inputs.map(async (path, index) => [files[index]?.replaceAll('\\', '/'), await readFile(path, 'utf8')])
  )
  return { json: JSON.stringify(Object.fromEntries(sources)), inputs }
}

/** MicroPython's loader looks for Node, a browser's window or a shell, and fetches the interpreter. It is told that all of it is there already. */
export const micropython: Plugin = {
  name: 'micropython',
  setup(builder) {
    // Imports of branches that are dead now.
    builder.onResolve({ filter: /^(?:module|path|url|fs)$/ }, ({ path }) => ({ path, external: true }))
    builder.onLoad({ filter: /\/micropython\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      if (!source.includes(OPTIONS_BEFORE)) return { errors: [{ text: `${path} is another version than the one that is known` }] }
      const { code } = await transform(source.replace(OPTIONS_BEFORE, OPTIONS_AFTER), {
        define: {
          'import.meta.url': '"file:///micropython.mjs"',
          'globalThis.process': 'undefined',
          'globalThis.window': 'true',
          process: 'undefined',
          navigator: 'undefined'
        },
        minifySyntax: true,
        target: 'node26',
        logLevel: 'silent'
      })
      return { contents: code, loader: 'js' }
    })
  }
}
