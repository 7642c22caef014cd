import { attack, EXIT, MEMORY, TIMEOUT } from '../_attack.ts'

/** One step that writes a quarter of a billion elements: isolated-vm cannot stop it. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Array(1 << 28).fill(0).length
}
`,
  expected: { errors: [MEMORY, TIMEOUT, EXIT, 'RangeError'] }
})
