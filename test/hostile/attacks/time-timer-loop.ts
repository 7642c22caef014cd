import { attack, TIMEOUT } from '../_attack.ts'

/** A loop in a timer. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Promise(() => setTimeout(() => { for (;;); }, 5))
}
`,
  expected: { errors: [TIMEOUT] }
})
