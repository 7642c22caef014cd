import { attack, TIMEOUT } from '../_attack.ts'

/** A regular expression that backtracks for ever. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return /^(a+)+$/.test('a'.repeat(40) + 'b')
}
`,
  expected: { errors: [TIMEOUT] }
})
