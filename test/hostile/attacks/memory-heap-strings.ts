import { attack, MEMORY } from '../_attack.ts'

/** Fills the heap with strings that are all different. */
export default attack({
  family: 'memory',
  timeoutSeconds: 10,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (let i = 0; ; i++) kept.push(JSON.stringify('x'.repeat(1_000_000) + i))
}
`,
  expected: { errors: [MEMORY] }
})
