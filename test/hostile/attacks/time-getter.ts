import { attack, TIMEOUT } from '../_attack.ts'

/** A getter on the result. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return { get value() { for (;;); } }
}
`,
  expected: { errors: [TIMEOUT] }
})
