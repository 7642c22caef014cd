import { attack, MEMORY } from '../_attack.ts'

/** Four calls at once fill their heaps. */
export default attack({
  family: 'memory',
  timeoutSeconds: 15,
  callsAtOnce: 4,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new Array(1000).fill({ x: 1 }))
}
`,
  expected: { errors: [MEMORY] }
})
