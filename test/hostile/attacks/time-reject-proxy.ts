import { attack, TIMEOUT } from '../_attack.ts'

/** A rejection with a proxy, each trap of which loops, and whose target is an error. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const loop = () => { for (;;); }
  const traps = { get: loop, has: loop, ownKeys: loop, getPrototypeOf: loop, getOwnPropertyDescriptor: loop }
  Promise.reject(new Proxy(new Error('x'), traps))
  return new Promise(() => {})
}
`,
  expected: { errors: [TIMEOUT, 'Runtime.UnhandledPromiseRejection'] }
})
