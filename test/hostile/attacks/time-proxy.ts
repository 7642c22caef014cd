import { attack, TIMEOUT } from '../_attack.ts'

/** A proxy as the result, each trap a loop. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const spin = () => { for (;;); }
  return new Proxy({}, { get: spin, ownKeys: spin, getPrototypeOf: spin, getOwnPropertyDescriptor: spin })
}
`,
  expected: { errors: [TIMEOUT] }
})
