import { attack, MEMORY } from '../_attack.ts'

/** Maps and sets that grow for ever. */
export default attack({
  family: 'memory',
  timeoutSeconds: 10,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const map = new Map()
  const kept = []
  for (let i = 0; ; i++) { map.set(i, { i }); if (i % 1_000_000 === 0) kept.push(new Set(map.keys())) }
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
