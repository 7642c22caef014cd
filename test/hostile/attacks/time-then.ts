import { attack, TIMEOUT } from '../_attack.ts'

/** A result with a then that never returns. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return { then() { for (;;); } }
}
`,
  expected: { errors: [TIMEOUT] }
})
