import { attack } from '../_attack.ts'

/** A result that JSON has no way to write. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return { value: 1n }
}
`,
  expected: { errors: ['TypeError'] }
})
