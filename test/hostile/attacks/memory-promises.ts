import { attack, MEMORY } from '../_attack.ts'

/** Promises that never settle. */
export default attack({
  family: 'memory',
  timeoutSeconds: 10,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new Promise(() => {}).then(() => 1))
}
`,
  expected: { errors: [MEMORY] }
})
