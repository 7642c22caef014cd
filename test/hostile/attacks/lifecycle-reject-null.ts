import { attack } from '../_attack.ts'

/** The handler rejects with null. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  throw null
}
`,
  expected: { errors: ['object'] }
})
