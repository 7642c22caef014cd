import { attack } from '../_attack.ts'
import { wasmOf } from '../_wasm.ts'

/** Four gigabytes before the first instruction. */
export default attack({
  family: 'memory',
  files: { 'main.wasm': wasmOf('(module (memory (export "memory") 65536) (func (export "_start")))') },
  handler: 'main.wasm',
  expected: { errors: ['RangeError'] }
})
