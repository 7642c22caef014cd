import { attack, MEMORY } from '../_attack.ts'

/** Fills with node:buffer. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(Buffer.alloc(20_000_000, 7))
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
