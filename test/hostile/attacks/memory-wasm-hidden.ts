import { attack, WASM } from '../_attack.ts'

/** Memories that are not exported, so that nobody sees them come and go. */
export default attack({
  family: 'memory',
  timeoutSeconds: 3,
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const hidden = new Uint8Array([...wasmGrow.slice(0, 24), 7, 5, 1, 1, 102, 0, 0, ...wasmGrow.slice(35)])
  const module = new WebAssembly.Module(hidden)
  let made = 0
  for (;;) {
    new WebAssembly.Instance(module).exports.f()
    if (++made > 1000) return made
  }
}
`,
  expected: { errors: ['RangeError', 'CompileError'] }
})
