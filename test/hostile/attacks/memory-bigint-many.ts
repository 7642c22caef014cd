import { attack, MEMORY } from '../_attack.ts'

/** Keeps large BigInts. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (let i = 0n; ; i++) kept.push((1n << 8_000_000n) + i)
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
