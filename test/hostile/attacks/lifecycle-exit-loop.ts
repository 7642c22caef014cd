import { attack, EXIT, TIMEOUT } from '../_attack.ts'

/** process.exit, caught, and on. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (;;) { try { process.exit(0) } catch { /* goes on */ } }
}
`,
  expected: { errors: [EXIT, TIMEOUT] }
})
