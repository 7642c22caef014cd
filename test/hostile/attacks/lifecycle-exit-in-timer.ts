import { attack, EXIT } from '../_attack.ts'

/** process.exit from a timer. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Promise(() => setTimeout(() => process.exit(1), 5))
}
`,
  expected: { errors: [EXIT] }
})
