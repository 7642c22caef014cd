import { attack, EXIT, MEMORY } from '../_attack.ts'

/** JSON nested ten million deep. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return JSON.parse('['.repeat(10_000_000) + ']'.repeat(10_000_000)).length
}
`,
  expected: { errors: ['RangeError', 'SyntaxError', MEMORY, EXIT] }
})
