import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** A result of four hundred megabytes. */
export default attack({
  family: 'output',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return 'x'.repeat(400_000_000)
}
`,
  expected: { errors: ['Function.ResponseSizeTooLarge', 'RangeError', MEMORY, TIMEOUT] }
})
