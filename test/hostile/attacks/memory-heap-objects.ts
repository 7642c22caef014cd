import { attack, MEMORY } from '../_attack.ts'

/** Fills the heap with objects. */
export default attack({
  family: 'memory',
  timeoutSeconds: 10,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new Array(1000).fill({ x: 1 }))
}
`,
  expected: { errors: [MEMORY] }
})
