import { attack, WASM } from '../_attack.ts'

/** Many modules whose memories all grow as far as they may. */
export default attack({
  family: 'memory',
  timeoutSeconds: 3,
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) {
    const { f, m } = new WebAssembly.Instance(new WebAssembly.Module(wasmGrow)).exports
    f()
    new Uint8Array(m.buffer).fill(1)
    kept.push(m)
  }
}
`,
  expected: { errors: ['RangeError'] }
})
