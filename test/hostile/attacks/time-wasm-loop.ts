import { attack, TIMEOUT, WASM } from '../_attack.ts'

/** A loop in WebAssembly. */
export default attack({
  family: 'time',
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  new WebAssembly.Instance(new WebAssembly.Module(wasmLoop)).exports.f()
  return 1
}
`,
  expected: { errors: [TIMEOUT] }
})
