import { attack, TIMEOUT, WASM } from '../_attack.ts'

/** WebAssembly that loops in its start function. */
export default attack({
  family: 'time',
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const bytes = new Uint8Array([...wasmLoop.slice(0, 18), 8, 1, 0, ...wasmLoop.slice(25)])
  new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return 1
}
`,
  expected: { errors: [TIMEOUT] }
})
