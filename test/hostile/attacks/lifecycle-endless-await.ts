import { attack, TIMEOUT } from '../_attack.ts'

/** A top-level await that never ends. */
export default attack({
  family: 'lifecycle',
  inInit: true,
  code: `await new Promise(() => {})
export const handler = async () => 1
`,
  expected: { errors: [TIMEOUT] }
})
