import { attack, MEMORY } from '../_attack.ts'

/** Tables with ten million entries each. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) kept.push(new WebAssembly.Table({ initial: 10_000_000, element: 'externref' }))
}
`,
  expected: { errors: [MEMORY, 'RangeError'] }
})
