import { attack, TIMEOUT } from '../_attack.ts'

/** Error.stackTraceLimit as a getter, a proxy and a frozen constructor. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Object.defineProperty(Error, 'stackTraceLimit', { get() { for (;;); }, configurable: true })
  Error.prepareStackTrace = (error, sites) => { throw new Error('deeper') }
  try { Object.freeze(Error) } catch { /* goes on */ }
  const error = new Error('x')
  Promise.reject(error)
  return new Promise(() => {})
}
`,
  expected: { errors: ['Runtime.UnhandledPromiseRejection', TIMEOUT] }
})
