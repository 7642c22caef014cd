import createWabt from 'wabt'

const wabt = await createWabt()

/** A module from its text. */
export function wasmOf(text: string): Uint8Array {
  const features = { exceptions: true, tail_call: true, reference_types: true }
  const module = wabt.parseWat('attack.wat', text, features)
  const { buffer } = module.toBinary({})
  module.destroy()
  return buffer
}

/** A WASI command. `body` is its `_start`, with the locals `$i` and `$j`; each import is named by its function. */
export function commandOf(body: string, options: { imports?: string[]; memory?: string; fields?: string } = {}): Uint8Array {
  const { imports = [], memory = '(memory (export "memory") 2)', fields = '' } = options
  const imported = imports.map((one) => `(import "wasi_snapshot_preview1" "${one}" (func $${one} ${SIGNATURES[one]}))`)
  return wasmOf(
    `(module ${imported.join('')} ${memory} ${fields} (func (export "_start") (local $i i32) (local $j i32) ${body}))`
  )
}

const SIGNATURES: Record<string, string> = {
  fd_write: '(param i32 i32 i32 i32) (result i32)',
  poll_oneoff: '(param i32 i32 i32 i32) (result i32)',
  random_get: '(param i32 i32) (result i32)',
  path_open: '(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)',
  proc_exit: '(param i32)'
}
