import { attack, TIMEOUT } from '../_attack.ts'

/** The same on the executor's own thread. */
export default attack({
  family: 'time',
  callsBefore: 30,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const error = new Error('x')
  for (const name of ['message', 'stack', 'name', 'constructor']) Object.defineProperty(error, name, { get() { for (;;); } })
  Promise.reject(error)
  return new Promise(() => {})
}
`,
  expected: { errors: [TIMEOUT, 'Runtime.UnhandledPromiseRejection'] }
})
