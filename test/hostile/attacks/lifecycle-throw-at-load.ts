import { attack } from '../_attack.ts'

/** Throws before there is a handler. */
export default attack({
  family: 'lifecycle',
  code: `throw { toString() { throw new Error('again') } }
export const handler = async () => 1
`,
  expected: { errors: ['Error'] }
})
