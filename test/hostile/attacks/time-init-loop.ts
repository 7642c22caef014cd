import { attack, TIMEOUT } from '../_attack.ts'

/** A loop before there is a handler. */
export default attack({
  family: 'time',
  inInit: true,
  code: `for (;;);
export const handler = async () => 1
`,
  expected: { errors: [TIMEOUT] }
})
