import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Logs an object that is large to look at. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => ['key' + i, { i }]))
  for (let i = 0; i < 1_000; i++) console.log(wide)
  return 1
}
`,
  expected: { errors: [MEMORY, TIMEOUT], results: [1] }
})
