import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Squares a BigInt: one step of V8 takes longer and longer, and cannot be interrupted. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let value = 3n
  for (;;) value *= value
}
`,
  expected: { errors: [TIMEOUT, 'RangeError', MEMORY] }
})
