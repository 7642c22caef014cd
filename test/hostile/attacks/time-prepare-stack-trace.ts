import { attack, TIMEOUT } from '../_attack.ts'

/** Error.prepareStackTrace loops, and an error is thrown. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Error.prepareStackTrace = () => { for (;;); }
  throw new Error('look at me')
}
`,
  expected: { errors: [TIMEOUT, 'Error'] }
})
