import { attack } from '../_attack.ts'

/** Resizable buffers, each within the limit. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) {
    const buffer = new ArrayBuffer(8, { maxByteLength: 50_000_000 })
    buffer.resize(50_000_000)
    new Uint8Array(buffer).fill(1)
    kept.push(buffer)
  }
}
`,
  expected: { errors: ['RangeError'] }
})
