import { attack, TIMEOUT } from '../_attack.ts'
import { commandOf } from '../_wasm.ts'

/** Asks for a hundred megabytes of randomness at a time. */
export default attack({
  family: 'time',
  files: {
    'main.wasm': commandOf('(loop $more (drop (call $random_get (i32.const 0) (i32.const 100000000))) (br $more))', {
      imports: ['random_get'],
      memory: '(memory (export "memory") 1600)'
    })
  },
  handler: 'main.wasm',
  expected: { errors: [TIMEOUT] }
})
