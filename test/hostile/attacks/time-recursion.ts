import { attack } from '../_attack.ts'

/** Recursion without an end. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const down = (depth) => down(depth + 1) + 1
  return down(0)
}
`,
  expected: { errors: ['RangeError'] }
})
