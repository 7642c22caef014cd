import { attack } from '../_attack.ts'

/** A result of fifty megabytes. */
export default attack({
  family: 'output',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return 'x'.repeat(50_000_000)
}
`,
  expected: { errors: ['Function.ResponseSizeTooLarge'] }
})
