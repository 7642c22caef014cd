import { attack, MEMORY, WASM } from '../_attack.ts'

/** Machine code: thousands of modules with thousands of functions. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `${WASM}export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const size = 20_000
  const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)])
  const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes]
  const types = [1, 96, 0, 0]
  const functions = [...leb(size), ...new Array(size).fill(0)]
  const bodies = [...leb(size)]
  for (let i = 0; i < size; i++) bodies.push(4, 0, 1, 1, 11)
  const bytes = new Uint8Array([...header, ...section(1, types), ...section(3, functions), ...section(10, bodies)])
  const kept = []
  for (;;) kept.push(new WebAssembly.Module(bytes))
}
`,
  expected: { errors: ['RangeError', MEMORY] }
})
