import { attack, TIMEOUT } from '../_attack.ts'

/** The same with a rejection that nobody handles: the host reads the error. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Error.prepareStackTrace = () => { for (;;); }
  Promise.reject(new Error('look at me'))
  return new Promise(() => {})
}
`,
  expected: { errors: [TIMEOUT, 'Runtime.UnhandledPromiseRejection'] }
})
