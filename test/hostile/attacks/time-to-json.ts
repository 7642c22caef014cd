import { attack, TIMEOUT } from '../_attack.ts'

/** toJSON of the result. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return { toJSON() { for (;;); } }
}
`,
  expected: { errors: [TIMEOUT] }
})
