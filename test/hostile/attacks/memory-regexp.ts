import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Matches of a regular expression by the million. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  const text = 'ab'.repeat(5_000_000)
  for (;;) kept.push(text.match(/(a)(b)/g), [...text.matchAll(/a(b)/g)])
}
`,
  expected: { errors: [MEMORY, TIMEOUT, 'RangeError'] }
})
