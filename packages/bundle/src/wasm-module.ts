import { messageOf, PeerlessError } from '@peerless/interface'

/** Name spaces of imports that instances have; what is in them only the sandbox knows, and an instance that lacks one does not start. */
const IMPORTS: ReadonlySet<string> = new Set(['wasi_snapshot_preview1', 'wasi_unstable', 'env', 'peerless'])
const MAGIC = '0061736d'
const CORE_VERSION = '01000000'

/** What of the global is used here; TypeScript declares it for browsers only. */
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>
  Module: {
    exports(module: object): { name: string; kind: string }[]
    imports(module: object): { module: string; name: string; kind: string }[]
  }
}

/**
 * Compiles a module to see whether it can be a function; nothing of it is run.
 * @returns the names of the functions that it exports
 * @throws INVALID_SOURCE when V8 does not take it, or it imports what nobody gives it
 */
export async function checkModule(file: string, bytes: Uint8Array): Promise<Set<string>> {
  const head = Buffer.from(bytes.subarray(0, 8)).toString('hex')
  if (head.startsWith(MAGIC) && !head.endsWith(CORE_VERSION)) {
    throw new PeerlessError('INVALID_SOURCE', `'${file}' is a component; only core modules run here: build it for wasm32-wasip1`)
  }
  const { compile, Module } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly
  let module: object
  try {
    module = await compile(bytes)
  } catch (error) {
    throw new PeerlessError('INVALID_SOURCE', `'${file}' is no valid module: ${messageOf(error).slice(0, 300)}`, { cause: error })
  }
  const unknown = Module.imports(module).find((one) => !IMPORTS.has(one.module) || one.kind !== 'function')
  if (unknown !== undefined) {
    const { module: space, name, kind } = unknown
    throw new PeerlessError(
      'INVALID_SOURCE',
      `'${file}' imports the ${kind} '${space.slice(0, 100)}.${name.slice(0, 100)}'; only functions of ${[...IMPORTS].join(', ')} are there`
    )
  }
  return new Set(Module.exports(module).flatMap(({ kind, name }) => (kind === 'function' ? [name] : [])))
}
