import { attack } from '../_attack.ts'

/** A result that contains itself. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const self = {}
  self.self = self
  return self
}
`,
  expected: { errors: ['TypeError'] }
})
