import { type Bundle, LIMITS, PeerlessError } from '@peerless/interface'
import { listed } from './handler-name.ts'
import { checkModule } from './wasm-module.ts'
import { SOURCE_EXTENSIONS } from './zip-resolver.ts'
import type { ZipTree } from './zip-tree.ts'

/** What the sandbox provides for other languages; no function can import these names. */
const WASM = "globalThis.__peerlessRequire('peerless:wasm')"
const PYTHON = "globalThis.__peerlessRequire('peerless:python')"
/** Calls the start function of a WASI command; `main.wasm` as a handler reads like the file's name. */
const COMMAND_EXPORTS: ReadonlySet<string> = new Set(['wasm', '_start'])
/** What an import of a `.wasm` file becomes: its default export is the compiled module, as in other web-standard runtimes. */
export function wasmImport(path: string): string {
  return `export default __peerlessRequire("peerless:wasm").moduleOf(${JSON.stringify(path)})`
}

/**
 * The bundle of a handler that is no JavaScript: `main.wasm` (a WASI command), `main.NAME` with `main.wasm` (an exported function) or
 * `app.NAME` with `app.py`. JavaScript of the same name goes first. All files of the zip come along, since programs open them by name.
 * @returns undefined when the handler's file is JavaScript, or is not there at all
 * @throws INVALID_SOURCE, HANDLER_NOT_FOUND, TOO_LARGE
 */
export async function foreignBundle(tree: ZipTree, stem: string, exportName: string): Promise<Bundle | undefined> {
  if (SOURCE_EXTENSIONS.some((extension) => tree.isFile(stem + extension))) return undefined
  if (tree.isFile(`${stem}.wasm`)) return await wasmBundle(tree, `${stem}.wasm`, exportName)
  if (tree.isFile(`${stem}.py`)) return await pythonBundle(tree, `${stem}.py`, exportName)
  return undefined
}

async function wasmBundle(tree: ZipTree, file: string, exportName: string): Promise<Bundle> {
  const functions = await checkModule(file, await tree.bytes(file))
  const isCommand = COMMAND_EXPORTS.has(exportName) && functions.has('_start')
  if (!isCommand) checkReactor(file, exportName, functions)
  const made = isCommand ? `command(${JSON.stringify(file)})` : `reactor(${JSON.stringify(file)}, ${JSON.stringify(exportName)})`
  return await withFiles(tree, `({ handler: ${WASM}.${made} })`)
}

function checkReactor(file: string, exportName: string, functions: ReadonlySet<string>): void {
  const exported = `it exports ${listed([...functions])}`
  if (COMMAND_EXPORTS.has(exportName)) {
    throw new PeerlessError('HANDLER_NOT_FOUND', `'${file}' is no WASI command: it has no function '_start'; ${exported}`)
  }
  for (const name of [exportName, 'peerless_alloc']) {
    if (functions.has(name)) continue
    throw new PeerlessError('HANDLER_NOT_FOUND', `'${file}' has no function '${name}', which its handler needs; ${exported}`)
  }
}

async function pythonBundle(tree: ZipTree, file: string, exportName: string): Promise<Bundle> {
  return await withFiles(
    tree,
    `${PYTHON}.handler(${JSON.stringify(file)}, ${JSON.stringify(exportName)}).then((handler) => ({ handler }))`
  )
}

async function withFiles(tree: ZipTree, script: string): Promise<Bundle> {
  const files = new Map<string, Uint8Array>()
  let bytes = 0
  for (const name of tree.names()) {
    bytes += tree.bytesDeclared(name)
    if (bytes > LIMITS.bundleBytesMax) {
      throw new PeerlessError('TOO_LARGE', `the files of the zip have more than ${LIMITS.bundleBytesMax} bytes together`)
    }
    files.set(name, await tree.bytes(name))
  }
  return { format: 1, script, sourceMap: undefined, builtins: [], handlerExport: 'handler', files }
}
