import { attack, MEMORY, TIMEOUT } from '../_attack.ts'
import { wasmOf } from '../_wasm.ts'

/** A table, of which linear memory knows nothing, grows until somebody says no. */
export default attack({
  family: 'memory',
  files: {
    'main.wasm': wasmOf(
      `(module (memory (export "memory") 1) (table $t 1 externref)
         (func (export "_start") (loop $l (drop (table.grow $t (ref.null extern) (i32.const 100000))) (br $l))))`
    )
  },
  handler: 'main.wasm',
  expected: { errors: [MEMORY, TIMEOUT, 'RangeError', 'RuntimeError'] }
})
