import { attack, TIMEOUT } from '../_attack.ts'

/** A loop after two hundred harmless calls, on the executor's own thread. */
export default attack({
  family: 'time',
  callsBefore: 200,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (;;);
}
`,
  expected: { errors: [TIMEOUT] }
})
