import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** String operations that take long and cannot be interrupted. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let text = 'a'.repeat(2 ** 26)
  for (;;) text.replaceAll('a', 'bb').length, text.split('').length
}
`,
  expected: { errors: [TIMEOUT, MEMORY, 'RangeError'] }
})
