import { attack, TIMEOUT } from '../_attack.ts'
import { wasmOf } from '../_wasm.ts'

/** Throws and catches without end. */
export default attack({
  family: 'time',
  files: {
    'main.wasm': wasmOf(
      '(module (tag $e) (memory (export "memory") 1) (func (export "_start") (loop $l (try (do (throw $e)) (catch $e (br $l))))))'
    )
  },
  handler: 'main.wasm',
  expected: { errors: [TIMEOUT] }
})
