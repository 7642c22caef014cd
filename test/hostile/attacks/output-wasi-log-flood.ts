import { attack, TIMEOUT } from '../_attack.ts'
import { commandOf } from '../_wasm.ts'

/** The same into standard error, which is the log. */
export default attack({
  family: 'output',
  files: {
    'main.wasm': commandOf(
      `(loop $fill
         (i32.store (i32.mul (local.get $i) (i32.const 8)) (i32.const 0))
         (i32.store (i32.add (i32.const 4) (i32.mul (local.get $i) (i32.const 8))) (i32.const 65536))
         (local.set $i (i32.add (local.get $i) (i32.const 1)))
         (br_if $fill (i32.lt_u (local.get $i) (i32.const 8192))))
       (loop $more (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 8192) (i32.const 131000))) (br $more))`,
      { imports: ['fd_write'] }
    )
  },
  handler: 'main.wasm',
  expected: { errors: [TIMEOUT] }
})
