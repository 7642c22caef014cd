import { attack } from '../_attack.ts'

/** Shared memory by every way there is. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const ways = []
  for (const way of [() => new SharedArrayBuffer(8), () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer, () => Atomics.wait(new Int32Array(4), 0, 0), () => Atomics.waitAsync(new Int32Array(4), 0, 0)]) {
    try { ways.push(String(way())) } catch (error) { ways.push(error.name) }
  }
  return ways
}
`,
  expected: { results: [['ReferenceError', 'TypeError', 'TypeError', 'TypeError']] }
})
