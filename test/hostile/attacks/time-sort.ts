import { attack, TIMEOUT } from '../_attack.ts'

/** A comparator that never ends. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return [3, 1, 2].sort(() => { for (;;); })
}
`,
  expected: { errors: [TIMEOUT] }
})
