import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Logs strings of a hundred megabytes. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const text = 'x'.repeat(100_000_000)
  for (let i = 0; i < 2_000; i++) console.log(text, i)
  return 1
}
`,
  expected: { errors: [MEMORY, TIMEOUT, 'RangeError'], results: [1] }
})
