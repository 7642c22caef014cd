import { attack, TIMEOUT } from '../_attack.ts'

/** console.log of an object that never stops being looked at. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  console.log(new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); }, getOwnPropertyDescriptor() { for (;;); }, getPrototypeOf() { for (;;); } }))
  return 1
}
`,
  expected: { errors: [TIMEOUT] }
})
