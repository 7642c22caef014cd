import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** An array of an endless asynchronous generator: each step is a microtask, none of them long. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return await Array.fromAsync((async function* () { for (;;) yield new Array(100).fill('x') })())
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
