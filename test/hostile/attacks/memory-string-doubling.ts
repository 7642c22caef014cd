import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Doubles a string, then flattens it. */
export default attack({
  family: 'memory',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let text = 'ab'
  for (let i = 0; i < 28; i++) text += text
  const kept = []
  for (;;) kept.push(text.split('b').join('c'))
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
