import { define } from './intrinsics.guest.ts'

interface Namespace {
  compile(bytes: ArrayBuffer, options?: unknown): Promise<object>
  instantiate(bytes: ArrayBuffer, imports?: unknown, options?: unknown): Promise<object>
}

interface Answer {
  ok: boolean
  status: number
  headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}

const WASM_TYPE = 'application/wasm'

/** `WebAssembly.compileStreaming` and `instantiateStreaming`: the module is compiled when its last byte is there, under the same guards. */
export function installStreamingCompilation(): void {
  const wasm = (globalThis as unknown as { WebAssembly?: Namespace }).WebAssembly
  if (wasm === undefined) return
  const { compile, instantiate } = wasm
  define(
    wasm,
    'compileStreaming',
    async (source: unknown, options?: unknown) => await compile(await bytesOf(source, 'compileStreaming'), options)
  )
  define(
    wasm,
    'instantiateStreaming',
    async (source: unknown, imports?: unknown, options?: unknown) =>
      await instantiate(await bytesOf(source, 'instantiateStreaming'), imports, options)
  )
}

/** @throws TypeError as the standard has it: no response, of another type, or one that failed */
async function bytesOf(source: unknown, method: string): Promise<ArrayBuffer> {
  const answer = (await source) as Answer
  const { Response } = globalThis as unknown as { Response: new () => object }
  const fail = (text: string): never => {
    throw new TypeError(`WebAssembly.${method}(): ${text}`)
  }
  if (!(answer instanceof Response)) return fail('Argument 0 must be a Response or a Promise for one')
  const type = answer.headers.get('content-type')
  if (type?.trim().toLowerCase() !== WASM_TYPE) return fail(`the response's type must be ${WASM_TYPE}, it is ${type ?? 'none'}`)
  if (!answer.ok) return fail(`the response's status must be from 200 to 299, it is ${answer.status}`)
  return await answer.arrayBuffer()
}
