import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** An array from a length. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return Array.from({ length: 2 ** 32 - 1 }, () => ({})).length
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
