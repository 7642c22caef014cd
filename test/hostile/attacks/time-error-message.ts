import { attack, TIMEOUT } from '../_attack.ts'

/** A rejection whose message is a getter that loops. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const error = new Error('x')
  Object.defineProperty(error, 'message', { get() { for (;;); } })
  Promise.reject(error)
  return new Promise(() => {})
}
`,
  expected: { errors: [TIMEOUT, 'Runtime.UnhandledPromiseRejection'] }
})
