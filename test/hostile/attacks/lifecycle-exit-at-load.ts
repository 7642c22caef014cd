import { attack, EXIT } from '../_attack.ts'

/** process.exit before there is a handler. */
export default attack({
  family: 'lifecycle',
  code: `process.exit(7)
export const handler = async () => 1
`,
  expected: { errors: [EXIT] }
})
