import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Sends what is too large over the bridges to the executor. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const text = 'x'.repeat(400_000_000)
  for (let i = 0; i < 20; i++) {
    try { new TextEncoder().encode(text + i) } catch { /* goes on */ }
    try { new URL('http://h/' + text) } catch { /* goes on */ }
  }
  return 1
}
`,
  expected: { errors: [MEMORY, TIMEOUT, 'RangeError'], results: [1] }
})
