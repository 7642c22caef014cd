import { attack, EXIT, MEMORY, TIMEOUT } from '../_attack.ts'

/** Behaves for a hundred and fifty calls, then blocks its thread in one step of V8. */
export default attack({
  family: 'lifecycle',
  callsBefore: 150,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Array(1 << 27).fill(0).sort().length
}
`,
  expected: { errors: [MEMORY, TIMEOUT, EXIT, 'RangeError'] }
})
