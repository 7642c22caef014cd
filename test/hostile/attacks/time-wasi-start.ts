import { attack, TIMEOUT } from '../_attack.ts'
import { wasmOf } from '../_wasm.ts'

/** The module's own start function never ends: it runs before anything is called. */
export default attack({
  family: 'time',
  files: {
    'main.wasm': wasmOf('(module (memory (export "memory") 1) (func $s (loop $l (br $l))) (start $s) (func (export "_start")))')
  },
  handler: 'main.wasm',
  expected: { errors: [TIMEOUT] }
})
