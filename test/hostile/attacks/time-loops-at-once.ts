import { attack, TIMEOUT } from '../_attack.ts'

/** More loops at once than there are processors. */
export default attack({
  family: 'time',
  callsAtOnce: 6,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (;;);
}
`,
  expected: { errors: [TIMEOUT] }
})
