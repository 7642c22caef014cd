import { attack, TIMEOUT } from '../_attack.ts'

/** A promise that never settles. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Promise(() => {})
}
`,
  expected: { errors: [TIMEOUT] }
})
