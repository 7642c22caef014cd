import { attack, EXIT, MEMORY, TIMEOUT } from '../_attack.ts'

/** Sorts an array that is huge and empty. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const sparse = []
  sparse[2 ** 32 - 2] = 1
  sparse[5] = 2
  sparse.sort()
  return 1
}
`,
  expected: { errors: [MEMORY, TIMEOUT, EXIT, 'RangeError'] }
})
