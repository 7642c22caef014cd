import { messageOf, PeerlessError, WASM_IMPORTS } from '@peerless/interface'

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
  const unknown = Module.imports(module).find((one) => one.kind !== 'function' || !spaceOf(one.module)?.has(one.name))
  if (unknown !== undefined) {
    const { module: space, name, kind } = unknown
    const known = [...(spaceOf(space) ?? Object.keys(WASM_IMPORTS))].join(', ')
    const there = spaceOf(space) === undefined ? 'only functions of' : `of '${space}' there are only the functions`
    throw new PeerlessError(
      'INVALID_SOURCE',
      `'${file}' imports the ${kind} '${space.slice(0, 100)}.${name.slice(0, 100)}', which no instance has: ${there} ${known}`
    )
  }
  return new Set(Module.exports(module).flatMap(({ kind, name }) => (kind === 'function' ? [name] : [])))
}

function spaceOf(name: string): ReadonlySet<string> | undefined {
  return Object.hasOwn(WASM_IMPORTS, name) ? WASM_IMPORTS[name] : undefined
}
