import { attack } from '../_attack.ts'

/** An error with a message of fifty megabytes. */
export default attack({
  family: 'output',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  throw new Error('x'.repeat(50_000_000))
}
`,
  expected: { errors: ['Error', 'Function.ResponseSizeTooLarge'] }
})
