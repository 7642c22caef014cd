import { attack } from '../_attack.ts'
import { commandOf } from '../_wasm.ts'

const PATHS = ['../../etc/passwd', '/etc/passwd', '../../../../proc/self/environ', '.', './../..']
const OPENED = 1_000

/** Asks for files of the node by each folder that is open; what it gets is read and told. Exit status 7 means that there is one that is none of its own. */
export default attack({
  family: 'escape',
  files: {
    'main.wasm': commandOf(
      PATHS.flatMap((path, at) =>
        [3, 4, 5, 6].map((folder) =>
          path === '.'
            ? ''
            : `(if (i32.eqz (call $path_open (i32.const ${folder}) (i32.const 1) (i32.const ${100 + at * 64}) (i32.const ${path.length})
                 (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const ${OPENED}))) (then (call $proc_exit (i32.const 7))))`
        )
      ).join(''),
      {
        imports: ['path_open', 'proc_exit'],
        fields: PATHS.map((path, at) => `(data (i32.const ${100 + at * 64}) "${path}")`).join('')
      }
    )
  },
  handler: 'main.wasm',
  expected: { results: [null] }
})
