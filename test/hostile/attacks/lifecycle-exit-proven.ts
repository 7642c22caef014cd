import { attack, EXIT } from '../_attack.ts'

/** process.exit from a function that has proven itself. */
export default attack({
  family: 'lifecycle',
  callsBefore: 30,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  process.exit(1)
}
`,
  expected: { errors: [EXIT] }
})
