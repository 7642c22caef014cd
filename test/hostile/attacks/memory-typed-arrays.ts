import { attack, MEMORY } from '../_attack.ts'

/** Many typed arrays, every byte of them written. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new Uint8Array(10_000_000).fill(1))
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
