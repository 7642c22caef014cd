import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Source text by the hundred megabytes. */
export default attack({
  family: 'memory',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (;;) new Function('return ' + JSON.stringify('y'.repeat(30_000_000)))()
}
`,
  expected: { errors: [MEMORY, TIMEOUT, 'RangeError', 'EvalError', 'SyntaxError'] }
})
