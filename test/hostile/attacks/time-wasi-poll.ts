import { attack, TIMEOUT } from '../_attack.ts'
import { commandOf } from '../_wasm.ts'

/** Waits for a million clocks at once, again and again. */
export default attack({
  family: 'time',
  files: {
    'main.wasm': commandOf(
      `(loop $more (drop (call $poll_oneoff (i32.const 0) (i32.const 0x3000000) (i32.const 1000000) (i32.const 1000))) (br $more))`,
      { imports: ['poll_oneoff'], memory: '(memory (export "memory") 1400)' }
    )
  },
  handler: 'main.wasm',
  memoryMb: 256,
  expected: { errors: [TIMEOUT] }
})
