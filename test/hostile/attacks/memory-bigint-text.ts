import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Writes a BigInt out in decimal. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return ((1n << 1_000_000_000n) - 1n).toString().length
}
`,
  expected: { errors: [TIMEOUT, 'RangeError', MEMORY] }
})
