import { attack, MEMORY } from '../_attack.ts'

/** Eight of them at once. */
export default attack({
  family: 'output',
  timeoutSeconds: 5,
  callsAtOnce: 8,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return 'x'.repeat(50_000_000)
}
`,
  expected: { errors: ['Function.ResponseSizeTooLarge', MEMORY] }
})
