import { attack, MEMORY } from '../_attack.ts'

/** One typed array beyond any limit. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Uint8Array(2 ** 33).fill(1).length
}
`,
  expected: { errors: ['RangeError', MEMORY] }
})
