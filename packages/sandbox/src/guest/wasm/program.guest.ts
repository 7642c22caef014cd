/** A failure that the program itself made: it has a type and a text, and no lines of ours. */
export class ProgramError extends Error {
  constructor(type: string, message: string, lines: readonly string[] = []) {
    super(message)
    this.name = type
    this.stack = lines.join('\n')
  }
}

export interface Exported {
  memory?: unknown
  [name: string]: unknown
}

interface Namespace {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Exported }
  Memory: new (...values: never[]) => { buffer: ArrayBuffer }
}

/** The guarded one: TypeScript declares it for browsers only. */
export const wasm = (): Namespace => (globalThis as unknown as { WebAssembly: Namespace }).WebAssembly
