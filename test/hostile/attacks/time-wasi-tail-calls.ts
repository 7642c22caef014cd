import { attack, TIMEOUT } from '../_attack.ts'
import { wasmOf } from '../_wasm.ts'

/** A function that calls itself in place of its end: no stack grows, no loop is to be seen. */
export default attack({
  family: 'time',
  files: {
    'main.wasm': wasmOf(
      '(module (memory (export "memory") 1) (func $f (return_call $f)) (func (export "_start") (return_call $f)))'
    )
  },
  handler: 'main.wasm',
  expected: { errors: [TIMEOUT] }
})
