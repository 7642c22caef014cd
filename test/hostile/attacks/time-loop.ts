import { attack, TIMEOUT } from '../_attack.ts'

/** A loop. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (;;);
}
`,
  expected: { errors: [TIMEOUT] }
})
