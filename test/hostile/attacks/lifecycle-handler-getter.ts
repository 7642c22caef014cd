import { attack, TIMEOUT } from '../_attack.ts'

/** A handler that is a getter which loops. */
export default attack({
  family: 'lifecycle',
  inInit: true,
  code: `const holder = {}
Object.defineProperty(holder, 'handler', { get() { for (;;); }, enumerable: true })
module.exports = holder
`,
  expected: { errors: [TIMEOUT, 'Runtime.HandlerNotFound', 'ReferenceError'], refusedAtDeploy: true }
})
