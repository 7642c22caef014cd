import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** JSON text of millions of objects. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const text = '[' + '{"a":[]},'.repeat(4_000_000) + '{}]'
  const kept = []
  for (;;) kept.push(JSON.parse(text))
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
