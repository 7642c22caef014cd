import { attack, MEMORY } from '../_attack.ts'

/** Fills memory outside the heap after a hundred harmless calls. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  callsBefore: 100,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new Uint8Array(10_000_000).fill(1))
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
