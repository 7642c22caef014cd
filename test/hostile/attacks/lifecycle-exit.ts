import { attack, EXIT } from '../_attack.ts'

/** process.exit in the middle of a call. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  process.exit(3)
}
`,
  expected: { errors: [EXIT] }
})
