import { attack } from '../_attack.ts'

/** Many WebAssembly memories, each small. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) {
    const memory = new WebAssembly.Memory({ initial: 160 })
    new Uint8Array(memory.buffer).fill(1)
    kept.push(memory)
  }
}
`,
  expected: { errors: ['RangeError'] }
})
