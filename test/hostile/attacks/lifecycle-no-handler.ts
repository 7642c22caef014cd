import { attack } from '../_attack.ts'

/** Exports no handler at all. */
export default attack({
  family: 'lifecycle',
  code: `export const nothing = 1
`,
  expected: { errors: ['Runtime.HandlerNotFound'], refusedAtDeploy: true }
})
