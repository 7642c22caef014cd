import { attack, MEMORY } from '../_attack.ts'

/** More timers than there may be. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (let i = 0; i < 1_000_000; i++) setTimeout(() => {}, 1e6, new Array(100).fill(i))
  return 1
}
`,
  expected: { errors: ['RangeError', MEMORY] }
})
