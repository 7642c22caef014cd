import { attack } from '../_attack.ts'

/** A rejection with nothing. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Promise.reject()
  return new Promise(() => {})
}
`,
  expected: { errors: ['Runtime.UnhandledPromiseRejection'] }
})
