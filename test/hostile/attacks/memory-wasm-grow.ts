import { attack, WASM } from '../_attack.ts'

/** A memory that grows by an instruction, where no wrapper sees it. */
export default attack({
  family: 'memory',
  timeoutSeconds: 3,
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const { f, m } = new WebAssembly.Instance(new WebAssembly.Module(wasmGrow)).exports
  const pages = f()
  new Uint8Array(m.buffer).fill(1)
  return pages <= 2048
}
`,
  expected: { results: [true] }
})
